from telemetry import record, server_timing, stage, timings


def test_stages_of_a_request_add_up_in_the_order_in_which_they_end() -> None:
    with timings() as collected:
        with stage("decode"):
            pass
        record("infer", 0.5)
        record("infer", 0.25)
    record("infer", 100)
    assert list(collected) == ["decode", "infer"]
    assert server_timing({"decode": 0.0123, "infer": 0.75}) == "decode;dur=12.3, infer;dur=750.0"
    assert collected["infer"] == 0.75
