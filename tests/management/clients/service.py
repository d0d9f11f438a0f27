"""A service's whole content through azure-mgmt-apimanagement: created, read, listed, changed by ETag, removed.

Arguments: address of the plane, bearer token. Prints how many operations it called.
"""

import base64
import datetime
import pathlib

from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.mgmt.apimanagement import models
from plain_http import AT, SUBSCRIPTION, client

KEYS = pathlib.Path(__file__).parents[3] / "gateway/policy/tests/cases/keys"
PFX_PASSWORD = "secret"
called = 0


class Counting:
    """A group of operations, counted, with the service's name given."""

    def __init__(self, group):
        self.group = group

    def __getattr__(self, name):
        function = getattr(self.group, name)

        def call(*arguments, **options):
            global called
            called += 1
            result = function(*AT, *arguments, **options)
            return result.result() if name.startswith("begin_") else result

        return call


class Groups:
    def __getattr__(self, name):
        return Counting(getattr(client, name))


apim = Groups()


def etag_of(group, *names):
    """The ETag by HEAD."""
    found = {}
    getattr(group, "get_entity_state" if hasattr(group.group, "get_entity_state") else "get_entity_tag")(
        *names, cls=lambda response, _body, headers: found.update(headers)
    )
    assert found["ETag"].startswith('"'), found
    return found["ETag"]


def refused(status, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except HttpResponseError as error:
        assert error.status_code == status, f"{error.status_code} instead of {status}: {error}"
        return error
    raise AssertionError(f"a call of {arguments} was not refused with {status}")


def names(items):
    return [item.name for item in items]


def lifecycle(group, create, change, check, *above, name="x1"):
    """PUT, GET, HEAD, list, PATCH with a stale and with the right ETag."""
    put = getattr(group, "begin_create_or_update" if hasattr(group.group, "begin_create_or_update") else "create_or_update")
    patch = getattr(group, "begin_update" if hasattr(group.group, "begin_update") else "update")
    made = put(*above, name, create)
    assert made.name == name and made.id.endswith(f"/{name}"), made
    before = etag_of(group, *above, name)
    put(*above, name, create)
    assert etag_of(group, *above, name) == before, "a PUT without a change kept the ETag"
    refused(412, patch, *above, name, '"AAAAAAAAAAE="', change)
    changed = patch(*above, name, before, change)
    assert etag_of(group, *above, name) != before
    assert check(group.get(*above, name)), (changed, group.get(*above, name))
    listing = next(f for f in dir(group.group) if f.startswith("list_by") and f != "list_by_tags")
    assert name in names(getattr(group, listing)(*above))
    return made


def removed(group, *names, **options):
    delete = getattr(group, "begin_delete" if hasattr(group.group, "begin_delete") else "delete")
    refused(412, delete, *names, '"AAAAAAAAAAE="', **options)
    delete(*names, "*", **options)
    get = refused(404, group.get, *names)
    assert get.error.code == "ResourceNotFound", get
    delete(*names, "*", **options)


def service():
    found = apim.api_management_service.get()
    assert found.name == "apim1" and found.sku.name and found.provisioning_state == "Succeeded", found
    assert "apim1" in names(client.api_management_service.list())
    assert "apim1" in names(client.api_management_service.list_by_resource_group("rg1"))
    changed = apim.api_management_service.begin_update(models.ApiManagementServiceUpdateParameters(tags={"a": "b"}))
    assert changed.tags == {"a": "b"}, changed
    free = client.api_management_service.check_name_availability({"name": "another"})
    taken = client.api_management_service.check_name_availability({"name": "apim1"})
    assert free.name_available and not taken.name_available, (free, taken)
    made = client.api_management_service.begin_create_or_update(
        "rg1",
        "second",
        models.ApiManagementServiceResource(
            sku=models.ApiManagementServiceSkuProperties(name="Developer", capacity=1),
            location="local",
            publisher_email="a@b.example",
            publisher_name="A",
        ),
    ).result()
    assert made.name == "second" and made.publisher_name == "A", made
    assert [group.name for group in client.group.list_by_service("rg1", "second")] == [
        "administrators",
        "developers",
        "guests",
    ]
    client.api_management_service.begin_delete("rg1", "second").result()
    assert names(client.api_management_service.list()) == ["apim1"]
    assert list(client.api_management_operations.list())
    assert [region.is_master_region for region in apim.region.list_by_service()] == [True]
    assert list(apim.tenant_settings.list_by_service())


def shared():
    lifecycle(
        apim.named_value,
        models.NamedValueCreateContract(display_name="secret-1", value="s3cret", secret=True, tags=["t"]),
        models.NamedValueUpdateParameters(tags=["u"]),
        lambda value: value.tags == ["u"] and value.value is None,
    )
    assert apim.named_value.list_value("x1").value == "s3cret"
    assert names(apim.named_value.list_by_service(filter="tags/any(tag: tag eq 'u')")) == ["x1"]
    lifecycle(
        apim.backend,
        models.BackendContract(url="http://127.0.0.1:9", protocol="http", title="b"),
        models.BackendUpdateParameters(description="d"),
        lambda backend: backend.description == "d" and backend.title == "b",
    )
    apim.backend.reconnect("x1", models.BackendReconnectContract(after=datetime.timedelta(seconds=5)))
    pool = models.BackendBaseParametersPool(services=[models.BackendPoolItem(id="/backends/x1", priority=1, weight=3)])
    apim.backend.create_or_update("pool", {"properties": {"type": "Pool", "pool": pool.serialize()}})
    assert apim.backend.get("pool").pool.services[0].weight == 3
    certificate = models.CertificateCreateOrUpdateParameters(
        data=base64.b64encode((KEYS / "client.pfx").read_bytes()).decode(), password=PFX_PASSWORD
    )
    made = apim.certificate.create_or_update("x1", certificate)
    assert made.thumbprint and made.subject and made.expiration_date, made
    assert etag_of(apim.certificate, "x1") and names(apim.certificate.list_by_service()) == ["x1"]
    lifecycle(
        apim.cache,
        models.CacheContract(connection_string="localhost:6379", use_from_location="default"),
        models.CacheUpdateParameters(description="c"),
        lambda cache: cache.description == "c",
        name="default",
    )
    lifecycle(
        apim.logger,
        models.LoggerContract(logger_type="applicationInsights", credentials={"instrumentationKey": "k"}),
        models.LoggerUpdateContract(description="l"),
        lambda logger: logger.description == "l",
    )
    lifecycle(
        apim.diagnostic,
        models.DiagnosticContract(
            logger_id="/loggers/x1", sampling=models.SamplingSettings(sampling_type="fixed", percentage=50)
        ),
        models.DiagnosticContract(logger_id="/loggers/x1", verbosity="error"),
        lambda diagnostic: diagnostic.verbosity == "error" and diagnostic.logger_id.endswith("service/apim1/loggers/x1"),
        name="applicationinsights",
    )
    apim.tag.create_or_update("x1", models.TagCreateUpdateParameters(display_name="Tag one"))
    apim.tag.update("x1", etag_of(apim.tag, "x1"), models.TagCreateUpdateParameters(display_name="Tag two"))
    assert apim.tag.get("x1").display_name == "Tag two"
    apim.policy_fragment.begin_create_or_update(
        "x1", models.PolicyFragmentContract(value="<fragment />", description="f")
    )
    assert etag_of(apim.policy_fragment, "x1")
    apim.global_schema.begin_create_or_update(
        "x1", models.GlobalSchemaContract(schema_type="json", document={"type": "object"})
    )
    assert apim.global_schema.get("x1").schema_type == "json"
    apim.policy.create_or_update("policy", models.PolicyContract(value=POLICY, format="xml"))
    assert "set-header" in apim.policy.get("policy").value


POLICY = (
    '<policies><inbound><set-header name="X-A" exists-action="override"><value>@("a" + 1)</value></set-header>'
    "</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>"
).replace('"a"', "&quot;a&quot;")
BASE = "<policies><inbound><base />{}</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"


def apis():
    apim.api_version_set.create_or_update(
        "x1", models.ApiVersionSetContract(display_name="Set", versioning_scheme="Segment")
    )
    lifecycle(
        apim.api,
        models.ApiCreateOrUpdateParameter(
            display_name="Orders", path="orders", protocols=["https"], service_url="http://127.0.0.1:9"
        ),
        models.ApiUpdateContract(description="An API"),
        lambda api: api.description == "An API" and api.path == "orders",
    )
    lifecycle(
        apim.api_operation,
        models.OperationContract(
            display_name="Get",
            method="GET",
            url_template="/orders/{id}",
            template_parameters=[models.ParameterContract(name="id", type="string", required=True)],
        ),
        models.OperationUpdateContract(description="o"),
        lambda operation: operation.description == "o" and operation.method == "GET",
        "x1",
        name="get",
    )
    text = BASE.format('<set-header name="X-N" exists-action="override"><value>{{secret-1}}</value></set-header>')
    apim.api_policy.create_or_update("x1", "policy", models.PolicyContract(value=text, format="rawxml"))
    assert "{{secret-1}}" in apim.api_policy.get("x1", "policy", format="rawxml").value
    bad = refused(
        400,
        apim.api_policy.create_or_update,
        "x1",
        "policy",
        models.PolicyContract(value=BASE.format("<no-such-policy />"), format="rawxml"),
    )
    assert bad.error.code == "ValidationError" and bad.error.details, bad
    apim.api_operation_policy.create_or_update(
        "x1", "get", "policy", models.PolicyContract(value=BASE.format(""), format="rawxml")
    )
    apim.api_schema.begin_create_or_update(
        "x1", "s1", models.SchemaContract(content_type="application/vnd.oai.openapi.components+json", components={})
    )
    apim.api_diagnostic.create_or_update(
        "x1", "applicationinsights", models.DiagnosticContract(logger_id="/loggers/x1")
    )
    apim.tag.assign_to_api("x1", "x1")
    apim.tag.assign_to_operation("x1", "get", "x1")
    assert names(apim.tag.list_by_api("x1")) == ["x1"]
    apim.api.begin_create_or_update(
        "x1;rev=2", models.ApiCreateOrUpdateParameter(source_api_id="/apis/x1", path="orders", display_name="Orders")
    )
    apim.api_release.create_or_update("x1", "r1", models.ApiReleaseContract(api_id="/apis/x1;rev=2", notes="n"))
    assert apim.api.get("x1").api_revision == "2"
    taken = models.ApiCreateOrUpdateParameter(display_name="Other", path="orders", protocols=["https"])
    refused(400, apim.api.begin_create_or_update, "other", taken)


def people():
    lifecycle(
        apim.product,
        models.ProductContract(display_name="Gold", state="published", subscription_required=True),
        models.ProductUpdateParameters(description="p"),
        lambda product: product.description == "p" and product.display_name == "Gold",
    )
    apim.product_api.create_or_update("x1", "x1")
    assert apim.product_api.check_entity_exists("x1", "x1")
    assert names(apim.product_api.list_by_product("x1")) == ["x1"]
    apim.product_group.create_or_update("x1", "developers")
    assert apim.product_group.check_entity_exists("x1", "developers")
    assert set(names(apim.product_group.list_by_product("x1"))) == {"administrators", "developers"}
    apim.product_policy.create_or_update("x1", "policy", models.PolicyContract(value=BASE.format(""), format="rawxml"))
    apim.tag.assign_to_product("x1", "x1")
    lifecycle(
        apim.user,
        models.UserCreateParameters(email="ann@example.com", first_name="Ann", last_name="Lee"),
        models.UserUpdateParameters(note="n"),
        lambda user: user.note == "n" and user.email == "ann@example.com",
        name="ann",
    )
    lifecycle(
        apim.group,
        models.GroupCreateParameters(display_name="Friends"),
        models.GroupUpdateParameters(description="g"),
        lambda group: group.description == "g" and group.type_properties_type == "custom",
    )
    apim.group_user.create("x1", "ann")
    assert apim.group_user.check_entity_exists("x1", "ann") and not apim.group_user.check_entity_exists("x1", "1")
    assert set(names(apim.user_group.list("ann"))) == {"developers", "x1"}
    made = apim.subscription.create_or_update(
        "x1",
        models.SubscriptionCreateParameters(
            scope="/products/x1", display_name="Ann's", owner_id="/users/ann", state="active"
        ),
    )
    assert len(made.primary_key) == 32, made
    assert apim.subscription.get("x1").primary_key is None
    assert apim.subscription.list_secrets("x1").primary_key == made.primary_key
    apim.subscription.regenerate_primary_key("x1")
    assert apim.subscription.list_secrets("x1").primary_key != made.primary_key
    apim.subscription.update("x1", etag_of(apim.subscription, "x1"), models.SubscriptionUpdateParameters(state="suspended"))
    assert names(apim.user_subscription.list("ann")) == ["x1"]
    assert names(apim.product_subscriptions.list("x1")) == ["x1"]
    assert apim.user_subscription.get("ann", "x1").state == "suspended"
    assert [identity.provider for identity in apim.user_identities.list("ann")] == ["Basic"]
    assert apim.user.generate_sso_url("ann").value
    expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    assert apim.user.get_shared_access_token("ann", models.UserTokenParameters(key_type="primary", expiry=expiry)).value


def gateways():
    lifecycle(
        apim.gateway,
        models.GatewayContract(location_data=models.ResourceLocationDataContract(name="Hamburg"), description="g"),
        models.GatewayContract(description="h"),
        lambda gateway: gateway.description == "h" and gateway.location_data.name == "Hamburg",
    )
    before = apim.gateway.list_keys("x1")
    apim.gateway.regenerate_key("x1", models.GatewayKeyRegenerationRequestContract(key_type="primary"))
    after = apim.gateway.list_keys("x1")
    assert before.primary != after.primary and before.secondary == after.secondary
    expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=29)
    token = apim.gateway.generate_token("x1", models.GatewayTokenRequestContract(key_type="primary", expiry=expiry))
    assert token.value.startswith("x1&"), token
    apim.gateway_api.create_or_update("x1", "x1")
    assert names(apim.gateway_api.list_by_service("x1")) == ["x1"]
    apim.gateway_hostname_configuration.create_or_update(
        "x1",
        "h1",
        models.GatewayHostnameConfigurationContract(hostname="*.example.com", certificate_id="/certificates/x1"),
    )
    found = apim.gateway_hostname_configuration.get("x1", "h1")
    assert found.http2_enabled is True and found.tls10_enabled is False, found
    apim.gateway_certificate_authority.create_or_update(
        "x1", "x1", models.GatewayCertificateAuthorityContract(is_trusted=True)
    )
    assert names(apim.gateway_certificate_authority.list_by_service("x1")) == ["x1"]


def figures():
    made = apim.gateway.list_debug_credentials(
        "x1",
        models.GatewayListDebugCredentialsContract(
            credentials_expire_after=datetime.timedelta(minutes=5), purposes=["tracing"], api_id="/apis/x1"
        ),
    )
    assert made.token.count(".") == 2, made
    apim.gateway.invalidate_debug_credentials("x1")
    missing = refused(404, apim.gateway.list_trace, "x1", models.GatewayListTraceContract(trace_id="none"))
    assert missing.error.code == "ResourceNotFound", missing
    month = "timestamp ge datetime'2026-01-01T00:00:00Z' and timestamp le datetime'2036-01-01T00:00:00Z'"
    quarter = datetime.timedelta(minutes=15)
    for report in ("by_api", "by_user", "by_operation", "by_product", "by_geo", "by_subscription", "by_request"):
        assert list(getattr(apim.reports, f"list_{report}")(month)) == [], report
    assert list(apim.reports.list_by_time(month, quarter, orderby="callCountTotal desc")) == []
    refused(400, lambda: list(apim.reports.list_by_time(month, datetime.timedelta(minutes=7))))
    value = models.QuotaCounterValueUpdateContract(calls_count=0, kb_transferred=0)
    assert apim.quota_by_counter_keys.list_by_service("k").count == 0
    refused(404, apim.quota_by_counter_keys.update, "k", value)
    refused(404, apim.quota_by_period_keys.get, "k", "0_PT0S")
    refused(404, apim.quota_by_period_keys.update, "k", "0_PT0S", value)


def sign_in():
    lifecycle(
        apim.authorization_server,
        models.AuthorizationServerContract(
            display_name="A",
            client_registration_endpoint="https://a.example/r",
            authorization_endpoint="https://a.example/a",
            token_endpoint="https://a.example/t",
            grant_types=["authorizationCode"],
            client_id="c",
            client_secret="s3cret",
        ),
        models.AuthorizationServerUpdateContract(description="a"),
        lambda server: server.description == "a" and server.client_secret is None,
    )
    assert apim.authorization_server.list_secrets("x1").client_secret == "s3cret"
    lifecycle(
        apim.open_id_connect_provider,
        models.OpenidConnectProviderContract(
            display_name="O", metadata_endpoint="https://o.example/m", client_id="c", client_secret="s3cret"
        ),
        models.OpenidConnectProviderUpdateContract(description="o"),
        lambda provider: provider.description == "o" and provider.client_secret is None,
    )
    assert apim.open_id_connect_provider.list_secrets("x1").client_secret == "s3cret"
    apim.identity_provider.create_or_update(
        "google", models.IdentityProviderCreateContract(client_id="c", client_secret="s3cret")
    )
    assert apim.identity_provider.list_secrets("google").client_secret == "s3cret"
    assert apim.identity_provider.get("google").client_secret is None
    settings = apim.sign_in_settings.create_or_update(models.PortalSigninSettings(enabled=True))
    assert settings.enabled is True and apim.sign_in_settings.get().enabled is True
    apim.sign_up_settings.update("*", models.PortalSignupSettings(enabled=False))
    assert apim.sign_up_settings.get().enabled is False
    apim.delegation_settings.create_or_update(
        models.PortalDelegationSettings(
            url="https://d.example",
            validation_key="a2V5",
            subscriptions=models.SubscriptionsDelegationSettingsProperties(enabled=True),
        )
    )
    assert apim.delegation_settings.get().validation_key is None
    assert apim.delegation_settings.list_secrets().validation_key == "a2V5"
    assert len(apim.portal_settings.list_by_service().value) == 3
    assert list(apim.reports.list_by_api(filter="timestamp ge datetime'2026-01-01T00:00:00Z'")) == []


def paging():
    for number in range(12):
        apim.tag.create_or_update(f"page-{number:02}", models.TagCreateUpdateParameters(display_name=f"Page {number}"))
    pages = list(apim.tag.list_by_service(top=5).by_page())
    assert [len(list(page)) for page in pages] and sum(1 for _ in apim.tag.list_by_service(top=5)) == 13
    assert names(apim.tag.list_by_service(filter="displayName eq 'page 7'")) == ["page-07"]
    assert refused(400, lambda: list(apim.tag.list_by_service(filter="nothing eq 1"))).error.code == "ValidationError"
    try:
        apim.tag.get("none")
        raise AssertionError("a tag that is not there was found")
    except ResourceNotFoundError as error:
        assert error.error.message == "Tag not found.", error
    try:
        apim.tag.update("page-00", '"AAAAAAAAAAE="', models.TagCreateUpdateParameters(display_name="x"))
        raise AssertionError("a stale ETag was taken")
    except (ResourceModifiedError, HttpResponseError) as error:
        assert error.status_code == 412, error


def cleared():
    for group in (apim.logger, apim.named_value, apim.certificate, apim.backend, apim.product):
        used = refused(400, group.delete, "x1", "*")
        assert used.error.code == "ValidationError", used
    refused(400, apim.user.begin_delete, "ann", "*")
    apim.gateway_certificate_authority.delete("x1", "x1", "*")
    apim.gateway_hostname_configuration.delete("x1", "h1", "*")
    apim.gateway_api.delete("x1", "x1")
    removed(apim.gateway, "x1")
    apim.product_api.delete("x1", "x1")
    apim.product_group.delete("x1", "developers")
    removed(apim.subscription, "x1")
    removed(apim.product, "x1")
    apim.group_user.delete("x1", "ann")
    removed(apim.group, "x1")
    removed(apim.user, "ann")
    apim.api_policy.delete("x1", "policy", "*")
    removed(apim.api_operation, "x1", "get")
    apim.api.begin_delete("x1", "*", delete_revisions=True)
    assert names(apim.api.list_by_service()) == []
    apim.policy.delete("policy", "*")
    removed(apim.api_version_set, "x1")
    apim.diagnostic.delete("applicationinsights", "*")
    apim.backend.delete("pool", "*")
    for group in (apim.named_value, apim.backend, apim.certificate, apim.logger, apim.policy_fragment):
        removed(group, "x1")
    for group in (apim.authorization_server, apim.open_id_connect_provider, apim.global_schema):
        removed(group, "x1")
    removed(apim.identity_provider, "google")
    removed(apim.cache, "default")
    for name in names(apim.tag.list_by_service()):
        apim.tag.delete(name, "*")
    refused(400, apim.subscription.delete, "master", "*")
    refused(400, apim.group.delete, "guests", "*")


for step in (service, shared, apis, people, gateways, figures, sign_in, paging, cleared):
    step()
print(f"{called} calls")
