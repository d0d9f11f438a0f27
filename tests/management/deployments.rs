//! Templates of ARM deployed to the plane: what they make, in which order, and what is refused.

use gateway_tests::plane::{Plane, Reply, SERVICE, TOKEN};
use serde_json::{Value, json};

pub const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg1";

pub fn path(name: &str, below: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Resources/deployments/{name}{below}?api-version=2025-04-01")
}

pub fn template(sections: Value) -> Value {
    let mut root = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
    });
    if let (Value::Object(root), Value::Object(sections)) = (&mut root, sections) {
        root.extend(sections);
    }
    root
}

pub fn deploy(plane: &Plane, name: &str, sections: Value, parameters: Value) -> Reply {
    let body = json!({"properties": {"mode": "Incremental", "template": template(sections), "parameters": parameters}});
    plane.call("PUT", &path(name, ""), &body)
}

pub fn resource(kind: &str, name: &str, properties: Value) -> Value {
    json!({
        "type": format!("Microsoft.ApiManagement/service/{kind}"), "apiVersion": "2024-05-01", "name": name, "properties": properties,
    })
}

/// A resource with further members.
pub fn with(mut resource: Value, more: Value) -> Value {
    if let (Value::Object(resource), Value::Object(more)) = (&mut resource, more) {
        resource.extend(more);
    }
    resource
}

/// What [`whole`] makes, in that order; ids below the service.
pub const MADE: [&str; 7] = [
    "/apis/orders",
    "/namedValues/key",
    "/apis/orders/policies/policy",
    "/products/gold",
    "/products/silver",
    "/products/gold/apis/orders",
    "/products/silver/apis/orders",
];

/// An API with a policy, a product of two, a secret, by parameters, variables, loops and references.
pub fn whole() -> Value {
    let api = "[concat(parameters('service'), '/orders')]";
    json!({
        "parameters": {
            "service": {"type": "string"}, "key": {"type": "secureString"},
            "products": {"type": "array", "defaultValue": ["gold", "silver"]},
        },
        "variables": {"policy": "<policies><inbound><base /><set-header name=\"x-key\"><value>{{key}}</value></set-header></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"},
        "resources": [
            // Before what it stands on, which is found by `dependsOn`, by its place and by `reference`.
            with(
                resource("apis/policies", "[format('{0}/orders/policy', parameters('service'))]", json!({"format": "rawxml", "value": "[variables('policy')]"})),
                json!({"dependsOn": ["[resourceId('Microsoft.ApiManagement/service/namedValues', parameters('service'), 'key')]"]}),
            ),
            resource("apis", api, json!({"displayName": "[toUpper('orders')]", "path": "orders", "protocols": ["https"], "serviceUrl": "http://127.0.0.1:9"})),
            resource("namedValues", "[concat(parameters('service'), '/key')]", json!({"displayName": "key", "secret": true, "value": "[parameters('key')]"})),
            with(
                resource("products", "[concat(parameters('service'), '/', parameters('products')[copyIndex()])]", json!({
                    "displayName": "[parameters('products')[copyIndex()]]", "state": "published", "subscriptionRequired": true,
                    "description": "[reference(resourceId('Microsoft.ApiManagement/service/apis', parameters('service'), 'orders')).displayName]",
                })),
                json!({"copy": {"name": "products", "count": "[length(parameters('products'))]"}}),
            ),
            with(
                resource("products/apis", "[concat(parameters('service'), '/', parameters('products')[copyIndex()], '/orders')]", json!({})),
                json!({"copy": {"name": "links", "count": 2}, "dependsOn": ["products", "[resourceId('Microsoft.ApiManagement/service/apis', parameters('service'), 'orders')]"]}),
            ),
            with(resource("tags", "[concat(parameters('service'), '/never')]", json!({"displayName": "n"})), json!({"condition": "[empty(parameters('products'))]"})),
        ],
        "outputs": {
            "api": {"type": "string", "value": "[resourceId('Microsoft.ApiManagement/service/apis', parameters('service'), 'orders')]"},
            "path": {"type": "string", "value": "[reference('orders-none', '2024-05-01', 'Full').x]", "condition": false},
            "products": {"type": "array", "copy": {"count": 2, "input": "[reference(resourceId('Microsoft.ApiManagement/service/products', parameters('service'), parameters('products')[copyIndex()])).description]"}},
            "key": {"type": "string", "value": "[listValue(resourceId('Microsoft.ApiManagement/service/namedValues', parameters('service'), 'key'), '2024-05-01').value]"},
        },
    })
}

#[test]
fn deployments_make_what_the_template_says_in_its_order() {
    let plane = Plane::start(&[]);
    let given = json!({"service": {"value": "apim1"}, "key": {"value": "s3cret"}});
    let reply = deploy(&plane, "first", whole(), given.clone());
    assert_eq!(reply.status, 201, "{}", reply.body);
    let properties = &reply.body["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(
        properties["outputs"]["api"],
        json!({"type": "String", "value": format!("{SERVICE}/apis/orders")})
    );
    assert_eq!(properties["outputs"]["products"]["value"], json!(["ORDERS", "ORDERS"]));
    assert_eq!(properties["outputs"]["key"]["value"], "s3cret");
    assert_eq!(properties["parameters"]["key"], json!({"type": "SecureString"}));
    assert_eq!(properties["parameters"]["products"]["value"], json!(["gold", "silver"]));
    assert!(reply.raw.header("azure-asyncoperation").is_none());
    let made: Vec<&str> = properties["outputResources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["id"].as_str())
        .collect();
    let made: Vec<&str> = made.iter().filter_map(|id| id.strip_prefix(SERVICE)).collect();
    assert_eq!(made, MADE);
    assert_eq!(plane.must("GET", "products/gold/apis", &Value::Null).names(), ["orders"]);
    assert_eq!(plane.call("GET", "tags/never", &Value::Null).status, 404);
    let operations = plane.must(
        "GET",
        &format!("{GROUP}/deployments/first/operations?api-version=2025-04-01"),
        &Value::Null,
    );
    let operations = operations.body["value"].as_array().cloned().unwrap_or_default();
    assert_eq!(operations.len(), 7);
    assert_eq!(
        operations[0]["properties"]["targetResource"]["resourceType"],
        "Microsoft.ApiManagement/service/apis"
    );
    assert_eq!(operations[0]["properties"]["statusCode"], "Created");
    let one = operations[0]["id"].as_str().expect("an id");
    assert_eq!(plane.must("GET", one, &Value::Null).body, operations[0]);
}

#[test]
fn deployments_are_kept_repeated_listed_and_forgotten() {
    let plane = Plane::start(&[]);
    let given = json!({"service": {"value": "apim1"}, "key": {"value": "s3cret"}});
    let properties = deploy(&plane, "first", whole(), given.clone()).body["properties"].clone();
    let shown = plane.must("GET", &path("first", ""), &Value::Null).body;
    assert_eq!(shown["properties"]["outputs"], properties["outputs"]);
    assert!(!plane.must("GET", &path("first", ""), &Value::Null).raw.text().contains("{{key}}"));
    // Again: nothing changes but the deployment.
    let revision = plane.revision();
    assert_eq!(deploy(&plane, "first", whole(), given).status, 200);
    assert_eq!(plane.revision(), revision);
    assert_eq!(
        plane
            .must(
                "GET",
                &format!("{GROUP}/providers/Microsoft.Resources/deployments?api-version=2021-04-01"),
                &Value::Null
            )
            .names(),
        ["first"]
    );
    assert_eq!(plane.call("HEAD", &path("FIRST", ""), &Value::Null).status, 204);
    let plane = plane.restarted(&[]);
    assert_eq!(
        plane.must("GET", &path("first", ""), &Value::Null).body["properties"]["provisioningState"],
        "Succeeded"
    );
    assert_eq!(plane.call("DELETE", &path("first", ""), &Value::Null).status, 204);
    assert_eq!(plane.call("GET", &path("first", ""), &Value::Null).code(), "DeploymentNotFound");
    assert_eq!(plane.call("HEAD", &path("first", ""), &Value::Null).status, 404);
    assert_eq!(plane.call("GET", "apis/orders", &Value::Null).status, 200);
}

#[test]
fn deployments_of_bicep_use_symbols_modules_and_existing_resources() {
    let plane = Plane::start(&[]);
    let module = template(json!({
        "languageVersion": "2.0",
        "parameters": {"api": {"type": "string"}},
        "resources": {"api": resource("apis", "[format('{0}/{1}', 'apim1', parameters('api'))]", json!({"displayName": "M", "path": "[parameters('api')]", "protocols": ["https"]}))},
        "outputs": {"name": {"type": "string", "value": "[parameters('api')]"}},
    }));
    let nested = json!({
        "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner",
        "properties": {
            "expressionEvaluationOptions": {"scope": "inner"}, "mode": "Incremental",
            "parameters": {"api": {"value": "[parameters('name')]"}}, "template": module,
        },
    });
    let sections = json!({
        "languageVersion": "2.0",
        "parameters": {"name": {"type": "string", "defaultValue": "modular"}},
        "resources": {
            "service": {"existing": true, "type": "Microsoft.ApiManagement/service", "apiVersion": "2024-05-01", "name": "apim1"},
            "tag": with(
                resource("tags", "apim1/t", json!({"displayName": "[reference('inner').outputs.name.value]"})),
                json!({"dependsOn": ["inner", "service"]}),
            ),
            "inner": nested,
        },
        "outputs": {
            "sku": {"type": "string", "value": "[reference('service', '2024-05-01', 'full').sku.name]"},
            "tag": {"type": "string", "value": "[reference('tag').displayName]"},
        },
    });
    let reply = deploy(&plane, "outer", sections, json!({}));
    assert_eq!(reply.status, 201, "{}", reply.body);
    assert_eq!(reply.body["properties"]["outputs"]["sku"]["value"], "Premium");
    assert_eq!(reply.body["properties"]["outputs"]["tag"]["value"], "modular");
    assert_eq!(plane.must("GET", "apis/modular", &Value::Null).body["properties"]["displayName"], "M");
    assert_eq!(
        plane.must("GET", &path("inner", ""), &Value::Null).body["properties"]["outputs"]["name"]["value"],
        "modular"
    );
}

#[test]
fn deployments_that_fail_say_where_and_keep_what_came_before() {
    let plane = Plane::start(&[]);
    let bad = "<policies><inbound><base /><nothing /></inbound></policies>";
    let sections = json!({"resources": [
        resource("tags", "apim1/t", json!({"displayName": "t"})),
        resource("policies", "apim1/policy", json!({"format": "rawxml", "value": bad})),
        resource("tags", "apim1/u", json!({"displayName": "u"})),
    ]});
    let reply = deploy(&plane, "bad", sections, json!({}));
    assert_eq!(reply.status, 201, "{}", reply.body);
    let properties = &reply.body["properties"];
    assert_eq!(properties["provisioningState"], "Failed");
    let error = &properties["error"];
    assert_eq!(error["code"], "DeploymentFailed");
    assert_eq!(error["details"][0]["code"], "ValidationError");
    assert_eq!(error["details"][0]["target"], format!("{SERVICE}/policies/policy"));
    assert!(
        error["details"][0]["details"][0]["message"].as_str().is_some_and(|it| it.contains("'nothing'")),
        "{error}"
    );
    let polled = reply.raw.header("azure-asyncoperation").expect("where to poll").to_owned();
    let polled = polled.strip_prefix(&plane.url()).expect("an address of the plane").to_owned();
    let status = plane.must("GET", &polled, &Value::Null).body;
    assert_eq!((&status["status"], &status["error"]), (&json!("Failed"), error));
    assert_eq!(plane.must("GET", "tags", &Value::Null).names(), ["t"]);
    let operations = plane.must("GET", &path("bad", "/operations"), &Value::Null);
    let states: Vec<_> = operations.body["value"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| it["properties"]["statusCode"].clone())
        .collect();
    assert_eq!(states, ["Created", "BadRequest"]);
}

#[test]
fn templates_with_faults_change_nothing() {
    let plane = Plane::start(&[]);
    let (revision, tag) = (plane.revision(), || resource("tags", "apim1/t", json!({"displayName": "t"})));
    let one = |resource: Value| json!({"resources": [tag(), resource]});
    for (sections, code, message) in [
        (
            one(resource("apis", "apim1/a", json!({"displayName": "[nope()]"}))),
            "InvalidTemplate",
            "The template function 'nope' is not valid.",
        ),
        (
            one(resource("apis", "apim1/a", json!({"displayName": "A", "path": 7}))),
            "ValidationError",
            "'path' must be a text.",
        ),
        (one(resource("apis", "a", json!({}))), "InvalidTemplate", "has incorrect segment lengths."),
        (
            one(resource("nothings", "apim1/a", json!({}))),
            "InvalidResourceType",
            "The resource type 'Microsoft.ApiManagement/service/nothings' could not be found",
        ),
        (
            one(with(resource("tags", "apim1/x", json!({})), json!({"apiVersion": "1999-01-01"}))),
            "NoRegisteredProviderFound",
            "API version '1999-01-01'",
        ),
        (
            one(json!({"type": "Microsoft.Web/sites", "apiVersion": "2022-03-01", "name": "x"})),
            "InvalidResourceType",
            "'Microsoft.Web/sites' is not deployed here",
        ),
        (json!({}), "InvalidTemplate", "must have 'resources'"),
    ] {
        for (method, below) in [("PUT", ""), ("POST", "/validate")] {
            let body = json!({"properties": {"mode": "Incremental", "template": template(sections.clone())}});
            let reply = plane.call(method, &path("x", below), &body);
            assert_eq!((reply.status, reply.code()), (400, code), "{}", reply.body);
            assert!(reply.messages().contains(message), "{}", reply.body);
        }
    }
    for (mode, link, message) in [
        ("Partial", json!(null), "'Partial' is not one of 'Incremental', 'Complete'"),
        ("Incremental", json!({"uri": "http://x"}), "'templateLink' is not followed"),
    ] {
        let body =
            json!({"properties": {"mode": mode, "template": template(one(tag())), "templateLink": link}});
        let reply = plane.call("PUT", &path("x", ""), &body);
        assert_eq!((reply.status, reply.code()), (400, "InvalidRequestContent"));
        assert!(reply.messages().contains(message), "{}", reply.body);
    }
    let loose = "{properties: { // what az sends\n mode: \"Incremental\", template:{\n\"$schema\": \"https://x/deploymentTemplate.json#\", \"contentVersion\": \"1\",\n  \"resources\": [ {\"type\": \"a/b\"} ] }}}";
    let bearer = format!("Bearer {TOKEN}");
    let reply = plane.send("PUT", &path("x", ""), &[("Authorization", &bearer)], loose.as_bytes());
    assert_eq!((reply.status, reply.code()), (400, "InvalidTemplate"), "{}", reply.body);
    let info = &reply.body["error"]["additionalInfo"][0];
    assert_eq!(info["type"], "TemplateViolation");
    assert_eq!(
        info["info"],
        json!({"lineNumber": 4, "linePosition": 18, "path": "properties.template.resources[0]"})
    );
    assert_eq!(plane.call("GET", &path("x", ""), &Value::Null).status, 404);
    assert_eq!(plane.call("PUT", &path("a%20name", ""), &json!({})).code(), "InvalidDeploymentName");
    let elsewhere = path("x", "").replace("/rg1/", "/rg9/");
    assert_eq!(plane.call("GET", &elsewhere, &Value::Null).code(), "ResourceGroupNotFound");
    assert_eq!(plane.revision(), revision);
}

#[test]
fn deployments_need_the_right_to_write_and_reading_needs_none() {
    let plane = Plane::start(&[]);
    let reader = plane.bearer("Reader");
    let body = json!({"properties": {"mode": "Incremental", "template": template(json!({"resources": []}))}});
    let by_reader = |method: &str, path: &str, body: &Value| {
        plane.call_with(method, path, &[("Authorization", &reader)], body)
    };
    let refused = by_reader("PUT", &path("x", ""), &body);
    assert_eq!((refused.status, refused.code()), (403, "AuthorizationFailed"));
    assert!(refused.messages().contains("'Microsoft.Resources/deployments/write'"), "{}", refused.body);
    assert_eq!(plane.must("PUT", &path("x", ""), &body).status, 201);
    assert_eq!(by_reader("GET", &path("x", ""), &Value::Null).status, 200);
    let valid = plane.must("POST", &path("y", "/validate"), &body).body;
    assert_eq!(valid["properties"]["provisioningState"], "Succeeded");
    assert_eq!(plane.call("GET", &path("y", ""), &Value::Null).status, 404);
}
