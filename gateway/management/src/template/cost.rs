//! What a deployment may cost: a template that doubles a value in each variable ends here.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

/// What all evaluations of a deployment may make, in bytes.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// What every call costs at least, in bytes.
const CALL_BYTES: usize = 32;
/// Deepest nesting of a value.
const DEPTH_MAX: usize = 100;

/// What is left of the budget.
#[derive(Debug)]
pub struct Fuel(AtomicUsize);

impl Default for Fuel {
    fn default() -> Self {
        Self(AtomicUsize::new(BYTES_MAX))
    }
}

impl Fuel {
    /// Pays for a value that was made.
    pub fn pay(&self, value: &Value) -> Result<(), String> {
        let bytes = weight(value, 0)?;
        self.pay_bytes(bytes)
    }

    /// Pays for a number of bytes before they are made.
    pub fn pay_bytes(&self, bytes: usize) -> Result<(), String> {
        let costs = bytes.saturating_add(CALL_BYTES);
        let paid = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(costs));
        paid.map(drop).map_err(|_| {
            format!("The expressions of the deployment make more than {BYTES_MAX} bytes of values.")
        })
    }
}

fn weight(value: &Value, depth: usize) -> Result<usize, String> {
    if depth > DEPTH_MAX {
        return Err(format!("A value is nested more than {DEPTH_MAX} deep."));
    }
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => {
            items.iter().try_fold(0, |sum, item| Ok::<_, String>(sum + weight(item, depth + 1)?))?
        }
        Value::Object(members) => members.iter().try_fold(0, |sum, (name, member)| {
            Ok::<_, String>(sum + name.len() + weight(member, depth + 1)?)
        })?,
        _ => 0,
    };
    Ok(inside + CALL_BYTES)
}
