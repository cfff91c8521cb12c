/** @import { Purchase, Result, Terms } from '../types.ts' */

/**
 * The receipt as pairs of `<dt>` and `<dd>`.
 *
 * @param {Purchase} purchase
 * @param {Result} result
 * @param {Terms} terms
 * @returns {[HTMLElement, HTMLElement][]}
 */
export function facts(purchase, result, terms) {
  const rail = terms.rails.find(each => each.name === purchase.payment?.rail)
  const transaction = String(result.receipt.transaction ?? result.receipt.reference ?? '')
  return [
    pair('Paid', purchase.payment?.amount ?? ''),
    pair('Network', purchase.payment?.place ?? ''),
    pair('Transaction', transaction, rail?.explorer && transaction ? rail.explorer + transaction : undefined),
  ]
}

/** @param {Purchase} purchase @param {Result} result */
export function receiptFile(purchase, result) {
  const { amount, place, rail } = purchase.payment ?? {}
  const content = { purchase: purchase.id, file: purchase.name, rail, amount, network: place, receipt: result.receipt }
  return new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' })
}

/** @param {string} name @param {string} value @param {string} [url] @returns {[HTMLElement, HTMLElement]} */
function pair(name, value, url) {
  const [term, text] = [document.createElement('dt'), document.createElement('dd')]
  term.textContent = name
  if (url) {
    const link = document.createElement('a')
    link.href = url
    link.rel = 'noreferrer'
    link.textContent = value
    text.append(link)
  } else text.textContent = value
  return [term, text]
}
