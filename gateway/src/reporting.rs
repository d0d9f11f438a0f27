//! What this gateway tells its plane: figures and requests from the usage meter, quotas, traces.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;

use gateway_policy::ports::{QuotaUse, QuotaWindow};
use gateway_proxy::debug::Permit;
use gateway_proxy::ports::quotas::Untold;
use gateway_proxy::worker::Shared;
use gateway_sync::plane::{Telling, Trace};
use gateway_sync::protocol::{
    DebugToken, GatewaySecret, QUOTA_KEY_BYTES_MAX, QUOTAS_MAX, QuotaChange, Report, Reported, USAGE_MAX,
};

/// The reports of one instance.
pub struct Reporting {
    shared: Arc<Shared>,
    instance_id: String,
    sequence: Cell<u64>,
    /// Made, and not given out yet: what is too much for one report.
    waiting: RefCell<VecDeque<Report>>,
}

impl Reporting {
    pub fn new(shared: Arc<Shared>, instance_id: &str) -> Self {
        Self {
            shared,
            instance_id: instance_id.to_owned(),
            sequence: Cell::new(0),
            waiting: RefCell::default(),
        }
    }

    /// Everything since the last time, in reports of a bounded size.
    fn make(&self) -> VecDeque<Report> {
        let (mut usage, mut requests) =
            self.shared.telemetry.usage().map(|usage| usage.take()).unwrap_or_default();
        let mut quotas: Vec<QuotaChange> =
            self.shared.quotas.take_unreported().into_iter().filter_map(change).collect();
        let mut reports = VecDeque::new();
        while !(usage.is_empty() && requests.is_empty() && quotas.is_empty()) {
            self.sequence.set(self.sequence.get() + 1);
            reports.push_back(Report {
                instance_id: self.instance_id.clone(),
                sequence: self.sequence.get(),
                usage: usage.split_off(usage.len().saturating_sub(USAGE_MAX)),
                requests: std::mem::take(&mut requests),
                quotas: quotas.split_off(quotas.len().saturating_sub(QUOTAS_MAX)),
            });
        }
        reports
    }
}

impl Telling for Reporting {
    fn report(&self) -> Option<Report> {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_empty() {
            *waiting = self.make();
        }
        waiting.pop_front()
    }

    fn taken(&self, report: &Report, answer: &Reported) {
        for (change, sum) in report.quotas.iter().zip(&answer.quotas) {
            let told = Untold {
                key: change.key.as_str().into(),
                window: QuotaWindow { start: change.start, end: change.end },
                more: QuotaUse { count: change.calls, bytes: change.bytes },
                set: None,
            };
            let all = QuotaUse { count: sum.calls, bytes: sum.bytes };
            self.shared.quotas.learn_from_plane(&told, all, sum.sets);
        }
    }

    fn trace(&self) -> Option<Trace> {
        self.shared.debug.take_trace()
    }
}

fn change(Untold { key, window, more, .. }: Untold) -> Option<QuotaChange> {
    (key.len() <= QUOTA_KEY_BYTES_MAX).then(|| QuotaChange {
        key: key.into(),
        start: window.start,
        end: window.end,
        calls: more.count,
        bytes: more.bytes,
    })
}

/// Takes tokens that the plane has signed for the holder of a secret, those that it called in so often.
pub fn trust(shared: &Shared, secret: &GatewaySecret, called_in: u64) {
    let secret = secret.clone();
    shared.debug.trust(Arc::new(move |token| {
        let DebugToken { api, expiry } = DebugToken::read(token, &secret, called_in)?;
        Some(Permit { api, expiry })
    }));
}
