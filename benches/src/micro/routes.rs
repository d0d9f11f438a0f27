//! Finding API and operation.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::ensure;
use gateway_policy::message::{Headers, Url};
use gateway_proxy::route::{Address, Router};

use crate::prepared::{Prepared, url};
use crate::timing::Measure;

pub fn rows(prepared: &Prepared, measure: &mut Measure<'_>) -> anyhow::Result<()> {
    for count in [1, 100, 10_000] {
        let mut router = Router::default();
        for number in 0..count {
            let address = Address {
                path: format!("teams/team-{}/api-{number}", number % 100),
                version: None,
                revision: "1".to_owned(),
                is_current: true,
            };
            ensure!(router.add(&address, Arc::clone(&prepared.api)), "{address:?} twice");
        }
        let last = count - 1;
        let (url, headers) =
            (url(&format!("/teams/team-{}/api-{last}/items/42", last % 100)), Headers::new());
        ensure!(find(&router, &url, &headers), "no route");
        measure(&format!("route: API of {count}, operation"), &mut || {
            black_box(find(&router, black_box(&url), &headers));
        });
    }
    Ok(())
}

fn find(router: &Router, url: &Url, headers: &Headers) -> bool {
    router
        .find(url, headers)
        .is_some_and(|found| found.route.operations.find("GET", found.operation_path, &url.query).is_some())
}
