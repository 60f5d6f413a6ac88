"""What is deprecated says so, and names what takes its place."""

from tests.api.test_access import described


def test_the_old_way_to_set_a_repayment_day_names_the_new_one() -> None:
    paths = described()["paths"]
    old = paths["/v1/lines/{line_id}/repayment-day"]["post"]
    assert old["deprecated"]
    assert "POST /v1/settings/changes" in old["description"]
    deprecated = {
        operation["operationId"]
        for item in paths.values()
        for operation in item.values()
        if isinstance(operation, dict) and operation.get("deprecated")
    }
    assert deprecated == {"set_repayment_day"}
    assert "post" in paths["/v1/settings/changes"]
