//! Whole templates: values, plans, outputs, and what is refused.

use std::collections::HashMap;

use gateway_specification::document::{Node, Syntax, parse};
use serde_json::{Map, Value, json};

use super::*;

fn surroundings() -> Surroundings {
    Surroundings {
        subscription: "sub".to_owned(),
        group: "rg1".to_owned(),
        deployment: "d".to_owned(),
        mode: "Incremental",
        tenant: "t".to_owned(),
        base: "http://plane".to_owned(),
        now: 0,
    }
}

fn node(sections: &Value) -> Node {
    let mut root = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "resources": [],
    });
    if let (Value::Object(root), Value::Object(sections)) = (&mut root, sections) {
        root.extend(sections.clone());
    }
    parse(&root.to_string(), &"t".into(), Syntax::Template).unwrap_or_else(|error| panic!("{error}")).root
}

/// Outputs of a template, by name.
fn outputs_of(sections: &Value, given: &Value) -> Result<Map<String, Value>, String> {
    let node = node(sections);
    let template = Template::new(&node).map_err(|fault| fault.message)?;
    let (around, fuel, facts) = (surroundings(), Fuel::default(), Facts::new());
    let given = given.as_object().cloned().unwrap_or_default();
    let known = parameters(template, &given, &around, &fuel).map_err(|fault| fault.message)?;
    let none = HashMap::new();
    let scope = Scope::new(template, &known, &around, &fuel, &facts, &none);
    outputs(template, &scope).map_err(|stop| match stop {
        Stop::Fault(fault) => fault.message,
        Stop::Need(need) => format!("needs {}", need.id()),
    })
}

/// The value of one expression.
fn value(expression: &str) -> Result<Value, String> {
    let sections = json!({
        "parameters": {"p": {"type": "object", "defaultValue": {"List": [1, 2, {"deep": "x"}], "text": "it"}}},
        "variables": {"v": "[parameters('p').text]", "long": "[concat(variables('v'), '-x')]"},
        "functions": [{"namespace": "own", "members": {"twice": {
            "parameters": [{"name": "x", "type": "string"}], "output": {"type": "string", "value": "[concat(parameters('x'), parameters('X'))]"},
        }}}],
        "outputs": {"o": {"type": "object", "value": {"v": expression}}},
    });
    outputs_of(&sections, &json!({})).map(|outputs| outputs["o"]["value"]["v"].clone())
}

#[test]
fn template_functions_give_values() {
    for (expression, expected) in [
        ("plain", json!("plain")),
        ("[[escaped]", json!("[escaped]")),
        ("[variables('long')]", json!("it-x")),
        ("[parameters('P').list[2].deep]", json!("x")),
        ("[concat('a', 1, true())]", json!("a1True")),
        ("[concat(createArray(1), createArray(2))]", json!([1, 2])),
        ("[format('{0}/{{{1}}}', 'a', 2)]", json!("a/{2}")),
        ("[toUpper(trim(' ab '))]", json!("AB")),
        ("[replace('a-b-c', '-', '')]", json!("abc")),
        ("[split('a,b;c', createArray(',', ';'))]", json!(["a", "b", "c"])),
        ("[join(createArray('a', 1), '+')]", json!("a+1")),
        ("[substring('abcdef', 2, 3)]", json!("cde")),
        ("[padLeft(7, 3, '0')]", json!("007")),
        ("[startsWith('Orders', 'or')]", json!(true)),
        ("[indexOf('abcabc', 'CA')]", json!(2)),
        ("[lastIndexOf(createArray(1, 2, 1), 1)]", json!(2)),
        ("[base64ToString(base64('ä'))]", json!("ä")),
        ("[base64ToJson('eyJhIjoxfQ==').a]", json!(1)),
        ("[json('{\"a\": [1]}').A[0]]", json!(1)),
        ("[string(createObject('a', 1))]", json!("{\"a\":1}")),
        ("[int('42')]", json!(42)),
        ("[if(equals('a', 'A'), 1, if(less(1, 2), 'y', div(1, 0)))]", json!("y")),
        ("[and(true(), not(false()), or(false(), true()))]", json!(true)),
    ] {
        assert_eq!(value(expression), Ok(expected), "{expression}");
    }
}

#[test]
fn template_functions_of_lists_and_surroundings_give_values() {
    for (expression, expected) in [
        ("[coalesce(null(), 'x')]", json!("x")),
        ("[add(mul(2, 3), mod(7, 4))]", json!(9)),
        ("[max(createArray(1, 9, 3))]", json!(9)),
        ("[length('äb')]", json!(2)),
        ("[empty(createObject())]", json!(true)),
        ("[contains(createArray('a'), 'a')]", json!(true)),
        ("[contains(createObject('Key', 1), 'key')]", json!(true)),
        ("[first(skip(range(3, 4), 1))]", json!(4)),
        ("[last('abc')]", json!("c")),
        ("[union(createObject('a', 1), createObject('b', 2))]", json!({"a": 1, "b": 2})),
        ("[union(createArray(1, 2), createArray(2, 3))]", json!([1, 2, 3])),
        ("[intersection(createArray(1, 2), createArray(2, 3))]", json!([2])),
        ("[items(createObject('b', 2, 'a', 1))[0].key]", json!("a")),
        ("[tryGet(createObject('a', 1), 'x')]", json!(null)),
        ("[map(createArray('a', 'b'), lambda('x', toUpper(lambdaVariables('x'))))]", json!(["A", "B"])),
        ("[map(createArray('a'), lambda('x', 'i', lambdaVariables('i')))]", json!([0])),
        ("[filter(range(0, 5), lambda('n', greater(lambdaVariables('n'), 3)))]", json!([4])),
        (
            "[reduce(range(1, 4), 0, lambda('s', 'n', add(lambdaVariables('s'), lambdaVariables('n'))))]",
            json!(10),
        ),
        (
            "[sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]",
            json!([1, 2, 3]),
        ),
        ("[toObject(createArray('a'), lambda('x', lambdaVariables('x')), lambda('x', 1))]", json!({"a": 1})),
        ("[own.twice('ab')]", json!("abab")),
        ("[uri('http://h/a/b', 'c')]", json!("http://h/a/c")),
        ("[uri('http://h', '/c')]", json!("http://h/c")),
        ("[uriComponent('a b/ä')]", json!("a%20b%2F%C3%A4")),
        // As Azure computed them.
        ("[uniqueString('tyeth')]", json!("zcztcwvu6iyg6")),
        ("[uniqueString('hello', 'world')]", json!("a7wkljktk6wne")),
        ("[uniqueString('test')]", json!("rbgf3xv4ufgzg")),
        ("[uniqueString('foo', 'bar', 'baz')]", json!("xzi4ioaxtmth4")),
        (
            "[uniqueString('/subscriptions/3c7f956b-55ee-4686-9d30-da1eb631dc59/resourceGroups/rg-devopsshieldek010dev')]",
            json!("fd63l2gacbtca"),
        ),
        // As other implementations of UUIDs of names compute them.
        ("[guid('a', 'b')]", json!("2d796349-8c7e-55ec-9624-54ece82ed031")),
        ("[guid('test')]", json!("d6a5baf1-8b9b-542a-8525-2982f1f98a0c")),
        ("[resourceGroup().name]", json!("rg1")),
        ("[subscription().subscriptionId]", json!("sub")),
        ("[dateTimeAdd('2026-01-31T00:00:00Z', 'P1D')]", json!("2026-02-01T00:00:00Z")),
        ("[dateTimeToEpoch('2026-01-01T00:00:00Z')]", json!(1_767_225_600)),
        (
            "[resourceId('Microsoft.ApiManagement/service/apis', 's', 'a')]",
            json!("/subscriptions/sub/resourceGroups/rg1/providers/Microsoft.ApiManagement/service/s/apis/a"),
        ),
        (
            "[resourceId('other', 'Microsoft.ApiManagement/service', 's')]",
            json!("/subscriptions/sub/resourceGroups/other/providers/Microsoft.ApiManagement/service/s"),
        ),
    ] {
        assert_eq!(value(expression), Ok(expected), "{expression}");
    }
}

#[test]
fn template_functions_say_what_is_wrong() {
    for (expression, expected) in [
        ("[nothing('a')]", "The template function 'nothing' is not valid."),
        ("[parameters('x')]", "The template parameter 'x' is not found."),
        ("[variables('x')]", "The template variable 'x' is not found."),
        (
            "[parameters('p').x]",
            "The language expression property 'x' doesn't exist, available properties are 'List, text'.",
        ),
        ("[parameters('p').list[9]]", "The language expression property array index '9' is out of bounds."),
        (
            "[toLower(1)]",
            "Unable to evaluate the template function 'toLower': argument 1 must be a text; it is a number.",
        ),
        ("[toLower()]", "The template function 'toLower' takes 1 to 1 arguments; 0 are given."),
        (
            "[substring('abc', 2, 5)]",
            "Unable to evaluate the template function 'substring': the text has 3 characters; the part is outside of it.",
        ),
        ("[copyIndex()]", "'copyIndex' is in no loop."),
        ("[newGuid()]", "The template function 'newGuid' is allowed in the default of a parameter only."),
        (
            "[own.other('x')]",
            "The template function 'own.other' is not valid: the template does not declare it.",
        ),
        (
            "[format('{0:N}', 1)]",
            "Unable to evaluate the template function 'format': '{0:N}' is not a number in braces; alignments and format specifiers are not offered.",
        ),
        ("[div(1, 0)]", "Unable to evaluate the template function 'div': 1 and 0 have no result in 64 bits."),
        (
            "[reference('nowhere')]",
            "Unable to evaluate the template function 'reference': The resource 'nowhere' is not defined in the template.",
        ),
        ("[reference('/subscriptions/x')]", "needs /subscriptions/x"),
        ("[concat('a'", "[concat('a'"),
        (
            "[concat('a']",
            "Unable to parse language expression 'concat('a'': ')' is expected, not the end at position '11'.",
        ),
    ] {
        let found = value(expression);
        let found = found.map_or_else(|error| error, |value| value.as_str().unwrap_or_default().to_owned());
        assert_eq!(found, expected, "{expression}");
    }
}

#[test]
fn template_bombs_end_early() {
    let mut variables = Map::new();
    variables.insert("v0".to_owned(), json!("0123456789"));
    for at in 1..200 {
        let before = format!("variables('v{}')", at - 1);
        variables.insert(format!("v{at}"), json!(format!("[createArray({before}, {before})]")));
    }
    let sections =
        json!({"variables": variables, "outputs": {"o": {"type": "array", "value": "[variables('v199')]"}}});
    let error = outputs_of(&sections, &json!({})).expect_err("a bomb");
    assert!(error.contains("bytes of values") || error.contains("nested"), "{error}");
    let error = value(
        "[replace(replace(replace(string(range(0, 10000)), ',', string(range(0, 10000))), '1', string(range(0, 10000))), '2', string(range(0, 10000)))]",
    );
    assert!(error.expect_err("a bomb").contains("bytes of values"));
    let circle = json!({"variables": {"a": "[variables('b')]", "b": "[variables('a')]"}, "outputs": {"o": {"type": "string", "value": "[variables('a')]"}}});
    assert_eq!(
        outputs_of(&circle, &json!({})),
        Err("The template variable 'a' refers to itself.".to_owned())
    );
    let own = json!({
        "functions": [{"namespace": "n", "members": {"f": {"parameters": [], "output": {"type": "string", "value": "[n.f()]"}}}}],
        "outputs": {"o": {"type": "string", "value": "[n.f()]"}},
    });
    assert_eq!(outputs_of(&own, &json!({})), Err("Functions call one another more than 16 deep.".to_owned()));
}

#[test]
fn template_parameters_are_checked() {
    let sections = json!({
        "definitions": {"size": {"type": "int", "minValue": 2}},
        "parameters": {
            "name": {"type": "string", "allowedValues": ["a", "b"]},
            "size": {"$ref": "#/definitions/size", "defaultValue": 2},
            "secret": {"type": "secureString", "defaultValue": "[newGuid()]"},
            "none": {"type": "string", "nullable": true},
        },
        "outputs": {
            "all": {"type": "string", "value": "[format('{0}{1}{2}', parameters('name'), parameters('size'), parameters('none'))]"},
            "secret": {"type": "secureString", "value": "[parameters('secret')]"},
        },
    });
    let made = outputs_of(&sections, &json!({"NAME": {"value": "b"}})).expect("good parameters");
    assert_eq!(
        Value::Object(made),
        json!({"all": {"type": "String", "value": "b2"}, "secret": {"type": "SecureString"}})
    );
    for (given, expected) in [
        (json!({}), "The value for the template parameter 'name' at line '1' and column"),
        (
            json!({"name": {"value": "c"}}),
            "The provided value 'c' for the template parameter 'name' is not valid.",
        ),
        (
            json!({"name": {"value": 1}}),
            "The value of the template parameter 'name' must be of type 'String'; it is a number.",
        ),
        (
            json!({"name": {"value": "a"}, "size": {"value": 1}}),
            "The value of the template parameter 'size' is outside its 'minValue' of 2.",
        ),
        (
            json!({"name": {"value": "a"}, "x": {"value": 1}}),
            "The template parameters 'x' in the parameters file are not valid;",
        ),
        (
            json!({"name": {"reference": {}}}),
            "The parameter 'name' refers to a key vault: those are not read here.",
        ),
        (json!({"name": "a"}), "The parameter 'name' must be an object with a 'value'."),
    ] {
        let error = outputs_of(&sections, &given).expect_err("refused");
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Ids below the group and what they come after, of the resources of a template.
fn plan_of(resources: &Value) -> Result<Vec<String>, String> {
    let node = node(&json!({ "resources": resources }));
    let template = Template::new(&node).map_err(|fault| fault.message)?;
    let (around, fuel, facts, known, none) =
        (surroundings(), Fuel::default(), Facts::new(), Parameters::default(), HashMap::new());
    let scope = Scope::new(template, &known, &around, &fuel, &facts, &none);
    let plan = planned(template, &scope).map_err(|fault| format!("{}: {}", fault.path, fault.message))?;
    Ok(plan.iter().map(|it| format!("{} {:?}", it.name, it.after)).collect())
}

#[test]
fn template_plans_loops_children_symbols_and_order() {
    let resource = |kind: &str, name: &str, more: Value| {
        let mut made = json!({"type": format!("Microsoft.ApiManagement/service/{kind}"), "apiVersion": "2024-05-01", "name": name});
        if let (Value::Object(made), Value::Object(more)) = (&mut made, more) {
            made.extend(more);
        }
        made
    };
    let list = json!([
        resource(
            "apis/operations",
            "s/a/o",
            json!({"dependsOn": ["[resourceId('Microsoft.ApiManagement/service/tags', 's', 't')]"]})
        ),
        resource(
            "apis",
            "s/a",
            json!({"resources": [{"type": "policies", "apiVersion": "2024-05-01", "name": "policy"}]})
        ),
        resource("tags", "s/t", json!({"dependsOn": ["loop"]})),
        resource("products", "[concat('s/p', copyIndex(1))]", json!({"copy": {"name": "loop", "count": 2}})),
        resource("products", "s/never", json!({"condition": false})),
    ]);
    let expected =
        ["s/a/o [1, 3]", "s/a []", "s/a/policy [1]", "s/t [4, 5]", "s/p1 []", "s/p2 []", "s/never []"];
    assert_eq!(plan_of(&list), Ok(expected.map(str::to_owned).to_vec()));
    let symbols = json!({
        "b": resource("apis", "s/b", json!({"dependsOn": ["a", "[format('c[{0}]', 1)]"]})),
        "a": resource("tags", "s/a", json!({"existing": true})),
        "c": resource("tags", "[format('s/c{0}', copyIndex())]", json!({"copy": {"name": "c", "count": 2}})),
    });
    assert_eq!(
        plan_of(&symbols),
        Ok(["s/b [1, 3]", "s/a []", "s/c0 []", "s/c1 []"].map(str::to_owned).to_vec())
    );
    for (resources, expected) in [
        (json!([resource("apis", "a", json!({}))]), "has incorrect segment lengths."),
        (
            json!([resource("apis", "s/a", json!({"dependsOn": ["x"]}))]),
            "resources[0].dependsOn[0]: The resource 'x' is not defined in the template.",
        ),
        (
            json!([resource("apis", "s/a", json!({})), resource("apis", "s/A", json!({}))]),
            "is defined multiple times in a template.",
        ),
        (
            json!([
                resource("tags", "s/a", json!({"dependsOn": ["s/b"]})),
                resource("tags", "s/b", json!({"dependsOn": ["s/a"]}))
            ]),
            "Circular dependency detected on resource: '/subscriptions/sub/resourceGroups/rg1/providers/Microsoft.ApiManagement/service/s/tags/a'.",
        ),
        (json!([{"type": "a/b", "name": "x"}]), "resources[0]: The resource has no 'apiVersion'."),
        (
            json!([resource("tags", "[concat('s/', 1", json!({"condition": "[reference('/x').y]"}))]),
            "cannot depend on '/x'.",
        ),
        (
            json!([resource("tags", "s/t", json!({"copy": {"name": "l", "count": 900}}))]),
            "must be a whole number from 0 to 800",
        ),
    ] {
        let error = plan_of(&resources).expect_err("refused");
        assert!(error.contains(expected), "{error}");
    }
}
