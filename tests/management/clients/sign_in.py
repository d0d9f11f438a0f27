"""Signing in as people do: azure-identity gets a token by client credentials, and the SDK works with it over TLS.

Arguments: address of the plane, its certificate, client id, client secret, and what is expected to be refused.
"""

import sys

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.apimanagement import ApiManagementClient, models

url, certificate, client_id, secret, refused = sys.argv[1:6]
TENANT = "00000000-0000-0000-0000-000000000000"


def credential(text):
    return ClientSecretCredential(
        TENANT, client_id, text, authority=url, disable_instance_discovery=True, connection_verify=certificate
    )


client = ApiManagementClient(
    credential(secret),
    TENANT,
    base_url=url,
    credential_scopes=[f"{url}/.default"],
    connection_verify=certificate,
    retry_total=0,
)
assert client.api_management_service.get("rg1", "apim1").name == "apim1"
try:
    client.tag.create_or_update("rg1", "apim1", "t", models.TagCreateUpdateParameters(display_name="T"))
    assert refused == "nothing"
except HttpResponseError as error:
    assert refused == "writes" and error.status_code == 403 and error.error.code == "AuthorizationFailed", error
try:
    credential("wrong").get_token(f"{url}/.default")
    raise AssertionError("a wrong secret was taken")
except ClientAuthenticationError as error:
    assert "AADSTS7000215" in str(error), error
print("ok")
