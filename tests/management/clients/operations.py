"""Every operation that the installed SDK has, one a line: method and path, names in braces."""

import pathlib
import re

import azure.mgmt.apimanagement.operations as operations

for file in sorted(pathlib.Path(operations.__file__).parent.glob("_*_operations.py")):
    for part in re.split(r"^def build_", file.read_text(), flags=re.MULTILINE)[1:]:
        method = re.search(r'HttpRequest\(\s*method="([A-Z]+)"', part)
        path = re.search(r'"(/[^"]*\{[^"]*|/providers/[^"]*)"', part)
        print(method[1], path[1])
