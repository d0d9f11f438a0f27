"""A client of azure-mgmt-apimanagement for a plane that speaks plain HTTP.

Arguments of the program: address of the plane, bearer token.
"""

import sys

from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.apimanagement import ApiManagementClient

URL, TOKEN = sys.argv[1:3]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
AT = ("rg1", "apim1")


class Bearer(SansIOHTTPPolicy):
    """The SDK's own policy refuses to send a token over plain HTTP."""

    def on_request(self, request):
        request.http_request.headers["Authorization"] = f"Bearer {TOKEN}"


class NoCredential:
    def get_token(self, *_scopes, **_options):
        return AccessToken(TOKEN, 9_999_999_999)


client = ApiManagementClient(
    NoCredential(), SUBSCRIPTION, base_url=URL, authentication_policy=Bearer(), polling_interval=0, retry_total=0
)
