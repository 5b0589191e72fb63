"""Validates each JSON object of standard input, one a line, strictly against each version that is named.

Prints a line for each problem. An object of a kind that Kubernetes itself does not know is a problem, too.
"""
import functools
import json
import sys

import kubernetes_validate
from kubernetes_validate import utils

# Read once for each version, not for each object.
utils.schema_contents = functools.lru_cache(maxsize=None)(utils.schema_contents)

objects = [json.loads(line) for line in sys.stdin]
problems = 0
for version in sys.argv[1:]:
    for one in objects:
        name = f'{version}: {one["kind"]}/{one["metadata"]["name"]}'
        try:
            validated = kubernetes_validate.validate(one, version, strict=True)
            if validated != version:
                raise ValueError(f"there is no schema of {version}, only of {validated}")
        except kubernetes_validate.ValidationError as error:
            problems += 1
            print(f'{name}: {".".join(map(str, error.path))}: {error.message}')
        except Exception as error:
            problems += 1
            print(f'{name}: {getattr(error, "message", error)}')
print(f"{len(objects)} objects, {len(sys.argv) - 1} versions, {problems} problems", file=sys.stderr)
sys.exit(1 if problems else 0)
