//! Requests against a small service.

use super::{Model, check};

const METADATA: &str = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="Shop.Model" Alias="Self" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EntityType Name="Base"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
  <EntityType Name="Product" BaseType="Self.Base"><Property Name="Name" Type="Edm.String"/><Property Name="Price" Type="Edm.Decimal"/>
    <Property Name="Tags" Type="Collection(Edm.String)"/><Property Name="Size" Type="Self.Size"/>
    <NavigationProperty Name="Category" Type="Self.Category"/><NavigationProperty Name="Parts" Type="Collection(Self.Product)"/></EntityType>
  <EntityType Name="Category" OpenType="true"><Property Name="Name" Type="Edm.String"/></EntityType>
  <ComplexType Name="Size"><Property Name="Width" Type="Edm.Double"/></ComplexType>
  <Function Name="Best" IsBound="true"><Parameter Name="p" Type="Collection(Self.Product)"/><ReturnType Type="Self.Product"/></Function>
  <Function Name="Total"><ReturnType Type="Edm.Int32"/></Function>
  <EntityContainer Name="C"><EntitySet Name="Products" EntityType="Self.Product"/><Singleton Name="Me" Type="Self.Category"/>
    <FunctionImport Name="Total" Function="Self.Total"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"#;

fn fits(request: &str) -> Result<(), String> {
    let (path, query) = request.split_once('?').unwrap_or((request, ""));
    check(&Model::read(METADATA).unwrap(), path, query)
}

#[test]
fn requests_that_fit() {
    for request in [
        "/",
        "/$metadata?$format=xml",
        "/Products",
        "/Products(1)/Name/$value",
        "/Products(ID=1)/Category/Anything",
        "/Products/1/Parts/2/Size/Width",
        "/Products/$count",
        "/Products/Shop.Model.Best(x=1)/Name",
        "/Me/Name",
        "/Total()",
        "/Products?$filter=Price%20gt%2010.5%20and%20(contains(Name,'it''s')%20or%20not%20startswith(Name,'a'))",
        "/Products?$filter=Parts/any(p:p/Price%20gt%205)&$top=5&$skip=0&$count=true",
        "/Products?$filter=ID%20in%20(1,2)&$orderby=Price%20desc,Name&custom=x",
        "/Products?$filter=Size/Width%20lt%20duration'PT1S'%20add%202",
        "/Products?$select=ID,Name,Size/Width,*&$expand=Category($select=Name),Parts($filter=Price%20eq%201;$expand=Parts($levels=2))",
    ] {
        assert_eq!(fits(request), Ok(()), "{request}");
    }
}

#[test]
fn requests_that_do_not() {
    let deep = format!("/Products?$filter={}1{}", "(".repeat(5000), ")".repeat(5000));
    let expanded = format!("/Products?$expand={}Parts{}", "Parts($expand=".repeat(50), ")".repeat(50));
    for request in [
        "/Nothing",
        "/Products(1)/Nothing",
        "/Products()",
        "/Products('a",
        "/Products(1)/$count",
        "/Products/$value",
        "/Products(1)/Name/Deeper",
        "/Products(1)/Tags/x",
        "/Products?$top=-1",
        "/Products?$top=1&$top=2",
        "/Products?$nothing=1",
        "/Products?$count=maybe",
        "/Products(1)?$filter=true",
        "/Products?$select=Nothing",
        "/Products?$expand=Name",
        "/Products?$expand=Category($select",
        "/Products?$filter=Nothing%20eq%201",
        "/Products?$filter=Price%20gt",
        "/Products?$filter=Price%20gt%20'open",
        "/Products?$filter=unknown(Name)",
        "/Products?$filter=contains(Name)",
        "/Products?$orderby=Nothing",
        "/$metadata?$filter=true",
        deep.as_str(),
        expanded.as_str(),
    ] {
        assert!(fits(request).is_err(), "{}", request.get(..60).unwrap_or(request));
    }
}

#[test]
fn metadata_that_is_none_is_refused() {
    for text in ["", "<a/>", "<!DOCTYPE a><a/>"] {
        assert!(Model::read(text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_request_is_judged(request in "/(Products|Me|\\(|\\)|1|'|/|\\$count|Name|\\?|\\$filter=|\\$expand=|any|p:|,|;| eq | not |=|%27){0,16}") {
        let _ = fits(&request);
    }
}
