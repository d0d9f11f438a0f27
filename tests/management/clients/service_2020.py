"""A service's content through azure-mgmt-apimanagement 1.0.0 (api-version 2020-06-01-preview): created, read, changed, removed.

Arguments: address of the plane, bearer token.
"""


from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.apimanagement import models
from plain_http import AT, client

POLICY = (
    "<policies><inbound><base /><set-header name='x-key'><value>{{key}}</value></set-header></inbound>"
    "<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"
)
OPENAPI = """{"openapi": "3.0.1", "info": {"title": "Imported", "version": "1"}, "servers": [{"url": "https://backend.example"}],
"paths": {"/items/{id}": {"get": {"operationId": "get-item", "parameters": [{"name": "id", "in": "path", "required": true,
"schema": {"type": "string"}}], "responses": {"200": {"description": "ok"}}}}}}"""


def names(items):
    return [item.name for item in items]


def refused(status, call, *arguments, **options):
    try:
        call(*AT, *arguments, **options)
    except HttpResponseError as error:
        assert error.status_code == status, error
        return
    raise AssertionError(f"{arguments} was not refused with {status}")


assert client.api_management_service.get(*AT).name == "apim1"
assert "apim1" in names(client.api_management_service.list())

client.named_value.begin_create_or_update(
    *AT, "key", models.NamedValueCreateContract(display_name="key", value="s3cret", secret=True)
).result()
assert client.named_value.get(*AT, "key").value is None
assert client.named_value.list_value(*AT, "key").value == "s3cret"
client.backend.create_or_update(*AT, "b", models.BackendContract(url="https://backend.example", protocol="http"))
client.tag.create_or_update(*AT, "t", models.TagCreateUpdateParameters(display_name="T"))
client.group.create_or_update(*AT, "g", models.GroupCreateParameters(display_name="G"))
client.user.create_or_update(
    *AT, "u", models.UserCreateParameters(email="u@example.com", first_name="U", last_name="U")
)
client.group_user.create(*AT, "g", "u")
assert client.group_user.check_entity_exists(*AT, "g", "u")
client.api_version_set.create_or_update(
    *AT, "v", models.ApiVersionSetContract(display_name="V", versioning_scheme="Segment")
)

made = client.api.begin_create_or_update(
    *AT,
    "orders",
    models.ApiCreateOrUpdateParameter(
        display_name="Orders", path="orders", protocols=["https"], service_url="https://backend.example"
    ),
).result()
assert made.name == "orders" and made.is_current, made
imported = client.api.begin_create_or_update(
    *AT, "imported", models.ApiCreateOrUpdateParameter(path="imported", format="openapi+json", value=OPENAPI)
).result()
assert imported.display_name == "Imported", imported
assert names(client.api_operation.list_by_api(*AT, "imported")) == ["get-item"]
client.api_operation.create_or_update(
    *AT, "orders", "get", models.OperationContract(display_name="Get", method="GET", url_template="/")
)
client.api_policy.create_or_update(
    *AT, "orders", "policy", models.PolicyContract(value=POLICY, format="rawxml")
)
assert "{{key}}" in client.api_policy.get(*AT, "orders", "policy").value
refused(400, client.policy.create_or_update, "policy", models.PolicyContract(value="<nothing />", format="rawxml"))
client.tag.assign_to_api(*AT, "orders", "t")
etag = {}
client.api.get_entity_tag(*AT, "orders", cls=lambda _response, _body, headers: etag.update(headers))
client.api.update(*AT, "orders", etag["ETag"], models.ApiUpdateContract(description="changed"))
refused(412, client.api.update, "orders", etag["ETag"], models.ApiUpdateContract(description="late"))
client.api.begin_create_or_update(
    *AT, "orders;rev=2", models.ApiCreateOrUpdateParameter(path="orders", source_api_id="/apis/orders")
).result()
client.api_release.create_or_update(
    *AT, "orders", "r", models.ApiReleaseContract(api_id="/apis/orders;rev=2", notes="second")
)
assert client.api.get(*AT, "orders").api_revision == "2"

client.product.create_or_update(
    *AT, "gold", models.ProductContract(display_name="Gold", subscription_required=True, state="published")
)
client.product_api.create_or_update(*AT, "gold", "orders")
assert names(client.product_api.list_by_product(*AT, "gold")) == ["orders"]
subscription = client.subscription.create_or_update(
    *AT, "s", models.SubscriptionCreateParameters(display_name="S", scope="/products/gold", state="active")
)
assert client.subscription.list_secrets(*AT, "s").primary_key
client.subscription.regenerate_primary_key(*AT, "s")

client.gateway.create_or_update(
    *AT, "edge", models.GatewayContract(location_data=models.ResourceLocationDataContract(name="Here"))
)
client.gateway_api.create_or_update(*AT, "edge", "orders")
assert client.gateway.list_keys(*AT, "edge").primary

client.api.delete(*AT, "orders", "*", delete_revisions=True)
client.product.delete(*AT, "gold", "*", delete_subscriptions=True)
client.user.delete(*AT, "u", "*")
try:
    client.api.get(*AT, "orders")
    raise AssertionError("the API is still there")
except ResourceNotFoundError:
    pass
print("ok")
