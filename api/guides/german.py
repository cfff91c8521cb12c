"""German texts of the guides' tables: options, errors, next steps and the state of a payment."""

from collections.abc import Mapping

from api.guides.charged import Charged
from errors import RetryAction

OPTIONS: Mapping[str, str] = {
    "format": "Format des Ergebnisses. Ohne diese Angabe entscheidet `Accept` anhand der q-Werte; ohne Präferenz gilt "
    "das erste Format, das zu den übrigen Optionen passt. `jpeg` kennt keine Transparenz und braucht deshalb "
    "`bg_color` oder `channels=alpha`.",
    "quality": "Qualität jedes Formats außer `png`; ohne Angabe 90. Der Alphakanal von `webp` ist immer verlustfrei.",
    "channels": "`alpha` liefert nur den Alphakanal als Graustufenbild; verlustfrei bei `png` und bei `webp` ohne "
    "`quality`.",
    "bg_color": "Hintergrundfarbe statt Transparenz: `ffffff`, `fff` oder ein CSS-Farbname.",
    "crop": "`true` schneidet das Bild auf das Motiv zu.",
    "crop_margin": "Rand um das Motiv bei `crop=true`: eine, zwei oder vier Längen wie in CSS, jede bis `50%` des "
    "Motivs oder bis `500px`; über den Bildrand hinaus wird der Hintergrund fortgesetzt.",
    "max_side": "Das Ergebnis wird verkleinert, bis seine längere Seite höchstens so viele Pixel hat.",
    "size": "Das Ergebnis wird auf höchstens so viele Megapixel verkleinert: `preview` 0,25, `medium` 1,5, `hd` 4; "
    "`full` und `auto` behalten alle Pixel.",
}

ERRORS: Mapping[str, str] = {
    "bad_request": "Die Anfrage kann in dieser Form nie gelingen.",
    "invalid_image": "Der Inhalt ist nicht das angegebene Bildformat, ist beschädigt oder hat zu viele Pixel.",
    "unknown_format": "Das Ausgabeformat in `format` gibt es nicht.",
    "invalid_option": "Eine Option hat einen unzulässigen Wert oder passt nicht zu den übrigen.",
    "unknown_model": "Das Modell in `model` gibt es hier nicht.",
    "image_not_fetched": "Das Bild kann unter `image_url` nicht abgerufen werden, oder die Adresse ist nicht zulässig.",
    "malformed_payment": "Der Zahlungsheader ist nicht lesbar oder zu lang, oder es kamen mehrere Zahlungen.",
    "payment_required": "Die Anfrage enthält keine Zahlung; Header und Inhalt nennen den Preis.",
    "payment_rejected": "Die Zahlung wurde abgelehnt und hat nachweislich kein Geld bewegt; `reason` nennt den Grund.",
    "deadline_unreachable": "Die Zahlung läuft ab, bevor Bearbeitung und Abwicklung abgeschlossen sein können.",
    "payer_refused": "Der Betreiber verkauft nicht an das Konto, das diese Zahlung signiert hat.",
    "not_found": "Diesen Pfad gibt es nicht.",
    "method_not_allowed": "Der Pfad unterstützt diese HTTP-Methode nicht.",
    "not_acceptable": "`Accept` lässt kein Format zu, das das Ergebnis haben kann.",
    "request_timeout": "Die Header der Anfrage sind nicht rechtzeitig angekommen.",
    "upload_timeout": "Das Bild ist nicht rechtzeitig angekommen.",
    "payment_conflict": "Die Zahlung ist bereits bekannt und passt nicht zu dieser Anfrage.",
    "payment_in_progress": "Eine andere Anfrage mit derselben Zahlung wird gerade bearbeitet.",
    "payment_used": "Mit dieser Zahlung wurde etwas anderes gekauft, oder sie wurde zu oft erneut ausgeliefert.",
    "picture_changed": "Unter `image_url` steht inzwischen ein anderes oder kein Bild; das Bild selbst, mit derselben "
    "Zahlung gesendet, wird erneut freigestellt.",
    "payment_spent_elsewhere": "Die Zahlung wurde laut Blockchain anderswo verwendet.",
    "funds_under_way": "Andere laufende Zahlungen binden das Guthaben der Wallet; diese Zahlung ist unberührt.",
    "idempotency_key_used": "Dieser `Idempotency-Key` gehört zu einem anderen Bild oder zu anderen Optionen.",
    "upload_too_large": "Das Bild ist größer als erlaubt.",
    "target_too_long": "Die Adresse der Anfrage ist zu lang.",
    "head_too_large": "Die Anfrage hat zu viele oder zu lange Header.",
    "version_not_supported": "Die Anfrage verwendet eine andere HTTP-Version als 1.0 oder 1.1.",
    "unsupported_media_type": "Der Content-Type wird nicht unterstützt, oder der Inhalt ist komprimiert.",
    "nothing_found": "Im Bild wurde kein Motiv gefunden; ein leeres Ergebnis wird nicht verkauft.",
    "rate_limited": "Ihre Adresse hat zu viele unbezahlte Antworten erhalten.",
    "uploads_limited": "Ihre Adresse lädt zu viele Daten gleichzeitig hoch.",
    "internal_error": "Interner Fehler; der Betreiber findet die Ursache über `request_id`.",
    "processing_failed": "Das Bild konnte nicht freigestellt werden; es wurde nichts berechnet.",
    "unavailable": "Ein Teil des Dienstes ist vorübergehend nicht verfügbar.",
    "overloaded": "Der Dienst ist ausgelastet; es wurde kein Geld bewegt.",
    "runner_unavailable": "Das Modell ist vorübergehend nicht verfügbar.",
    "rail_unavailable": "Blockchain oder Facilitator antworten nicht; es wurde nachweislich kein Geld bewegt.",
    "ledger_unavailable": "Das Zahlungsregister antwortet nicht; ohne Register wird nichts verkauft.",
    "payment_outcome_unknown": "Möglicherweise wurde Geld bewegt; das Ergebnis steht noch nicht fest.",
}

NEXT_STEPS: Mapping[RetryAction, str] = {
    RetryAction.PAY: "Bezahlen Sie eines der Angebote und senden Sie die Anfrage mit der Zahlung erneut.",
    RetryAction.RESEND_SAME: "Senden Sie dieselbe Anfrage mit derselben Zahlung erneut.",
    RetryAction.WAIT_AND_RESEND: "Warten Sie `retry_after` Sekunden und senden Sie dieselbe Anfrage mit derselben "
    "Zahlung erneut.",
    RetryAction.NEW_PAYMENT: "Mit dieser Zahlung ist hier nichts zu kaufen. Signieren Sie eine neue.",
    RetryAction.FIX_REQUEST: "Ändern Sie die Anfrage, wie `detail` es beschreibt; die Zahlung kann dieselbe bleiben.",
    RetryAction.ASK_OPERATOR: "Zahlen Sie nicht erneut. Wenden Sie sich mit der `request_id` an den Betreiber.",
}

CHARGED: Mapping[Charged, str] = {
    Charged.NO: "nein",
    Charged.YES: "ja oder möglich",
    Charged.UNLESS: "nein, außer sie war es bereits",
    Charged.ASK: "siehe Antwort",
}
