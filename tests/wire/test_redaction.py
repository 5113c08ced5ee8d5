"""No password is ever shown."""

from __future__ import annotations

import pytest

from gitmig.wire.redaction import without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ada:s3cret@db:5432/x", "postgresql://ada:***@db:5432/x"),
        ("postgresql://ada:s3/cr?et@db/x", "postgresql://ada:***@db/x"),
        ("postgresql://ada:s3@cret@db/x", "postgresql://ada:***@db/x"),
        ("postgresql://:s3cret@db/x", "postgresql://:***@db/x"),
        ("no ://ada:s3cret@db here, mysql://b:s3cret@c too", "no ://ada:***@db here, mysql://b:***@c too"),
        ("postgresql:///x?user=ada&password=s3cret&host=db", "postgresql:///x?user=ada&password=***&host=db"),
        ("x?PASSWORD=s3cret", "x?PASSWORD=***"),
        ("host=db password=s3cret dbname=x", "host=db password=*** dbname=x"),
        ("password='s3 cret' dbname=x", "password=*** dbname=x"),
        ("passwd = s3cret; pwd=s3cret;", "passwd = ***; pwd=***;"),
        ("?sslpassword=s3cret", "?sslpassword=***"),
        ("{'password': 's3cret', \"passwd\": \"s3cret\"}", "{'password': ***, \"passwd\": ***}"),
        ("https://example.org/a@b and ada@example.org", "https://example.org/a@b and ada@example.org"),
        ("'ada'@'h' (using password: YES)", "'ada'@'h' (using password: YES)"),
        ("the password is wrong", "the password is wrong"),
    ],
)
def test_passwords_are_replaced(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
    assert without_passwords(shown) == shown
