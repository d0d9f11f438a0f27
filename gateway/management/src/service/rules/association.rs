//! Links of products, groups and gateways: without properties, shown as what they link to.

use super::{Put, Rules};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::service::Call;
use crate::tree::{Properties, Record, Tree};

pub struct Association;

/// `products/gold/apis/orders` → `apis/orders`.
fn target(path: &str) -> String {
    let mut segments = path.split('/').skip(2);
    let (collection, name) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    format!("{collection}/{name}")
}

impl Rules for Association {
    fn put(&self, put: Put<'_, '_, '_>, _properties: &mut Properties) -> Result<(), ArmError> {
        let target = target(put.path);
        if put.tx.get(&target).is_none() {
            return Err(ArmError::not_found(Kind::of(&target).map_or("Resource", |kind| kind.entity)));
        }
        Ok(())
    }

    fn shown(&self, tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        let target = target(&record.path);
        let (Some(kind), Some(linked)) = (Kind::of(&target), tree.get(&target)) else {
            return Properties::new();
        };
        let mut properties = kind.rules.shown(tree, linked, call);
        for secret in kind.secrets {
            properties.shift_remove(*secret);
        }
        properties
    }

    fn is_link(&self) -> bool {
        true
    }
}
