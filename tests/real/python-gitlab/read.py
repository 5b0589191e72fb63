"""Reads what tierwatch reads of runners and tokens, with python-gitlab; prints it as JSON."""

import json
import sys

import gitlab


def attempt(read):
    """What was read, or the HTTP status of the refusal."""
    try:
        return read()
    except gitlab.exceptions.GitlabError as error:
        return error.response_code


def runner(api, number):
    details = attempt(lambda: api.runners.get(number).attributes)
    managers = attempt(lambda: api.http_list(f"/runners/{number}/managers", get_all=True))
    return {"details": details, "managers": managers}


def main():
    url, token_file = sys.argv[1:3]
    with open(token_file, encoding="utf-8") as file:
        api = gitlab.Gitlab(url, private_token=file.read().strip())
    lists = {
        "runners": attempt(lambda: [row.attributes for row in api.runners.list(get_all=True)]),
        "runners/all": attempt(lambda: [row.attributes for row in api.runners_all.list(get_all=True)]),
        "groups/10/runners": attempt(
            lambda: [row.attributes for row in api.groups.get(10, lazy=True).runners.list(get_all=True)]
        ),
    }
    known = {row["id"] for rows in lists.values() if isinstance(rows, list) for row in rows} | {31, 32}
    json.dump(
        {
            "self": attempt(lambda: api.http_get("/personal_access_tokens/self")),
            **lists,
            "each": {number: runner(api, number) for number in sorted(known)},
        },
        sys.stdout,
    )


main()
