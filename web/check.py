"""Whether the pages answer: `python -m web.check PORT`, for a container's health."""

import http.client
import sys

ANSWER_LIMIT_S = 4.0


def answers(port: int) -> bool:
    """Whether the login page of that port on 127.0.0.1 comes."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_LIMIT_S)
    try:
        asked.request("GET", "/login")
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1])) else 1)
