//! Products and what belongs to them.

use super::{Deserialize, Extra, Serialize, is_default, resource, text_enum};
use crate::arm_id::ResourceId;
use crate::id::{ApiId, GroupId, ProductId};
use crate::origin::Origin;

text_enum! {
    /// Whether the portal shows a product; keys work either way (policies.md §6.6).
    #[derive(Default)]
    ProductState {
        #[default]
        NotPublished = "notPublished",
        Published = "published",
    }
}

/// A product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Product {
    /// Name.
    #[serde(skip)]
    pub id: ProductId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title; `context.Product.Name`.
    pub display_name: String,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Terms of use.
    #[serde(skip_serializing_if = "is_default")]
    pub terms: Option<String>,
    /// Whether its APIs need a key; default yes. A product without is open.
    pub subscription_required: bool,
    /// Whether an administrator must approve subscriptions; default no.
    #[serde(skip_serializing_if = "is_default")]
    pub approval_required: Option<bool>,
    /// Most subscriptions a user may have; absent: any number.
    #[serde(skip_serializing_if = "is_default")]
    pub subscriptions_limit: Option<u32>,
    /// Whether the portal shows it.
    pub state: ProductState,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Default for Product {
    fn default() -> Self {
        Self {
            id: ProductId::default(),
            origin: Origin::default(),
            display_name: String::new(),
            description: None,
            terms: None,
            subscription_required: true,
            approval_required: None,
            subscriptions_limit: None,
            state: ProductState::default(),
            extra: Extra::new(),
        }
    }
}

/// An API in a product; holds for all revisions of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductApi {
    /// The product.
    pub product: ProductId,
    /// The API, without revision.
    pub api: ApiId,
    /// Where it was written.
    pub origin: Origin,
}

/// A group whose users see a product.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductGroup {
    /// The product.
    pub product: ProductId,
    /// The group.
    pub group: GroupId,
    /// Where it was written.
    pub origin: Origin,
}

resource!(Product, products, ProductId, |this| this.id.clone(), ResourceId::Product(this.id.clone()));
resource!(
    ProductApi,
    product_apis,
    (ProductId, ApiId),
    |this| (this.product.clone(), this.api.clone()),
    ResourceId::ProductApi(this.product.clone(), this.api.clone())
);
resource!(
    ProductGroup,
    product_groups,
    (ProductId, GroupId),
    |this| (this.product.clone(), this.group.clone()),
    ResourceId::ProductGroup(this.product.clone(), this.group.clone())
);
