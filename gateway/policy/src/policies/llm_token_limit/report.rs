//! Where a token limit writes what it found out.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use gateway_expression::Value;

use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::xml::Element;

/// A field of the answer and a variable, each where a name is given.
#[derive(Debug)]
struct Place {
    header: Option<Arc<str>>,
    variable: Option<Arc<str>>,
}

impl Place {
    fn compile(name: &str, element: &Element, c: &Compiler<'_>) -> Self {
        Self {
            header: c.literal(element, &format!("{name}-header-name")),
            variable: c.literal(element, &format!("{name}-variable-name")),
        }
    }

    fn write(&self, number: u64, exchange: &mut Exchange) -> Result<(), Fault> {
        if let Some(name) = &self.variable {
            exchange.set_variable(name, Value::I32(number.min(i32::MAX as u64) as i32));
        }
        if let Some(name) = &self.header {
            let headers = exchange.answer_headers.get_or_insert_default();
            let set = headers.set(name, number.to_string().as_bytes());
            set.map_err(|error| Fault::invalid_value("llm-token-limit", error))?;
        }
        Ok(())
    }
}

/// All places of a policy.
#[derive(Debug)]
pub struct Report {
    retry_after: Place,
    remaining: Place,
    remaining_quota: Place,
    consumed: Place,
}

impl Report {
    /// Reads the attributes.
    pub fn compile(element: &Element, c: &Compiler<'_>) -> Self {
        Self {
            retry_after: Place::compile("retry-after", element, c),
            remaining: Place::compile("remaining-tokens", element, c),
            remaining_quota: Place::compile("remaining-quota-tokens", element, c),
            consumed: Place::compile("tokens-consumed", element, c),
        }
    }

    /// Writes the figures of a call that was let through.
    pub fn write(
        &self,
        (minute, quota): (Option<u64>, Option<u64>),
        consumed: u64,
        exchange: &mut Exchange,
    ) -> Result<(), Fault> {
        if let Some(left) = minute {
            self.remaining.write(left, exchange)?;
        }
        if let Some(left) = quota {
            self.remaining_quota.write(left, exchange)?;
        }
        self.consumed.write(consumed, exchange)
    }

    /// 429: more tokens than any minute has.
    pub fn never_fits(&self, element: &'static str, wanted: u64, limit: u64) -> Fault {
        let detail = format!("The prompt has about {wanted} tokens, the limit is {limit} a minute.");
        Fault::new(429, "Token limit is exceeded.", element, "TokenLimitExceeded", detail)
    }

    /// 429: not in this minute.
    pub fn too_many(&self, element: &'static str, wait: Duration, exchange: &mut Exchange) -> Fault {
        let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
        let public = format!("Token limit is exceeded. Try again in {seconds} seconds.");
        let fault = Fault::new(429, public, element, "TokenLimitExceeded", "Token limit is exceeded");
        self.with_retry_after(fault, seconds, exchange)
    }

    /// 403: not in this window of the quota.
    pub fn quota_exceeded(&self, element: &'static str, seconds: u64, exchange: &mut Exchange) -> Fault {
        let public = format!("Token quota is exceeded. Try again in {seconds} seconds.");
        let fault = Fault::new(403, public, element, "TokenQuotaExceeded", "Token quota is exceeded");
        self.with_retry_after(fault, seconds, exchange)
    }

    fn with_retry_after(&self, fault: Fault, seconds: u64, exchange: &mut Exchange) -> Fault {
        if let Some(name) = &self.retry_after.variable {
            exchange.set_variable(name, Value::I32(seconds.min(i32::MAX as u64) as i32));
        }
        let name = self.retry_after.header.as_deref().unwrap_or("Retry-After");
        fault.with_header(Cow::Owned(name.to_owned()), seconds.to_string())
    }
}
