//! Gateways and their management plane: what arrives, and that nothing which happens to the plane stops a gateway.
//!
//! The promises of self-hosted-gateway.md §8, and where they are tested:
//!
//! | row | promise | test |
//! | --- | --- | --- |
//! | 2 | one plane, 50 gateways | `fleet::fifty_gateways_report_to_one_plane` |
//! | 4 | changes reach the gateways they are for | `updates::gateway_serves_what_is_assigned_to_it_and_nothing_else` |
//! | 5 | traffic stays away from the plane | `namespaces::traffic_never_touches_the_plane` |
//! | 6 | ARM's interface | the tests of `tests/management` |
//! | 20 | outbound 443 only | `namespaces::egress`, `namespaces::plane_cannot_reach_a_gateway` |
//! | 21 | one service | `protocol::tokens_of_others_expired_and_revoked_are_refused` |
//! | 22 | configured by the plane alone | `updates::gateway_serves_what_is_assigned_to_it_and_nothing_else` |
//! | 23 | heartbeats | `protocol::instances_are_known_at_the_plane`, `instances` of `gateway-management` |
//! | 24 | polls | `follow_polls_each_ten_seconds_and_beats_each_minute` of `gateway-sync`, `updates::change_is_live_within_a_second` |
//! | 25 | atomic updates | `updates::policy_that_flips_never_shows_half` |
//! | 29, 33 | the link is lost, no backup | `outage::running_gateway_serves_through_an_outage_and_catches_up` |
//! | 29, 35 | the link is cut, with backup | `namespaces::journey::no_request_fails_from_the_first_view_to_the_last` |
//! | 30 | tokens end, service does not | `outage::revoked_token_does_not_stop_a_running_gateway`, `outage::expired_token…` |
//! | 31 | with or without backup | `backup::folder_that_cannot_be_used_does_not_stop_the_gateway` |
//! | 32 | what a backup is | `backup::gateway_starts_from_its_backup_and_catches_up`, `backup` of `gateway-sync` |
//! | 34 | started without both | `outage::gateway_without_backup_and_plane_is_not_ready_and_recovers` |
//! | 36 | started from the backup | `namespaces::journey`, `backup::damaged_backup_gives_way_to_the_one_before` |
//! | 37, 38 | back, and caught up | `namespaces::journey`, `outage::running_gateway_serves…`, `backup::gateway_catches_up_with_more_changes_than_are_kept` |
//! | 40 | tokens and their keys | `protocol::tokens_of_others_expired_and_revoked_are_refused` |
//! | 41 | sign-in by another issuer | `sign_in` |
//! | 42 | no rights | `namespaces::gateway_needs_no_rights` |
//! | – | a hub before Azure (management-api.md §6.4) | `azure`, `folders::hub_…` |
//!
//! The faults of reliability-security.md §6.1 and §6.2:
//!
//! | id | fault | test |
//! | --- | --- | --- |
//! | F-01 | the plane is away | `outage::running_gateway_serves_through_an_outage_and_catches_up`, `follow_backs_off…` of `gateway-sync` |
//! | F-02 | away at the start, with a backup | `backup::gateway_starts_from_its_backup_and_catches_up` |
//! | F-03 | away at the start, without one | `outage::gateway_without_backup_and_plane_is_not_ready_and_recovers` |
//! | F-04 | answers that stall or do not end | `faults::f_04_answers_without_end_are_given_up` |
//! | F-05 | answers of no plane | `faults::f_05_answers_of_no_plane_change_nothing_and_are_said_once`, `round_refuses…` of `gateway-sync` |
//! | F-06 | one bad policy | `protocol::instances_are_known_at_the_plane`, `configuration` of `tests/data_plane` |
//! | F-07 | older, repeated, out of order | `round_refuses_what_cannot_be_trusted…`, `difference_that_leads_elsewhere…` of `gateway-sync` |
//! | F-08 | a change after the other | `updates::policy_that_flips_never_shows_half` |
//! | F-09 | credentials end | `outage::revoked_token_does_not_stop_a_running_gateway`, `sign_in` |
//! | D-01, D-02 | ends in the middle of a write | `backup::killed_at_any_moment_it_starts_from_a_whole_backup` |
//! | D-03, D-06 | folders that cannot be used | `backup::folder_that_cannot_be_used_does_not_stop_the_gateway`, `backup::full_disk_and_read_only_volume_are_warned_of_once` |
//! | D-04, D-05 | damage, tampering | `backup::damaged_backup_gives_way…`, `backup_refuses_damage_at_any_place…` of `gateway-sync` |
//! | D-07 | replicas with one folder | `backup::replicas_share_a_folder` |
//! | D-08 to D-10 | the plane's store | `durability` of `tests/management` |

mod azure;
mod backup;
mod faults;
mod fleet;
mod folders;
mod imports;
mod namespaces;
mod outage;
mod protocol;
mod quotas;
mod reports;
mod sign_in;
mod tracing;
mod traffic;
mod updates;

use std::time::{Duration, Instant};

use gateway_tests::{Federation, Running};

/// A gateway that follows a plane quickly.
fn follow(plane: &Federation, token: &str, settings: &[(&str, &str)]) -> Running {
    let endpoint = plane.endpoint();
    let fixed = [
        ("config.service.endpoint", endpoint.as_str()),
        ("config.service.auth", token),
        ("config.service.poll", "1"),
        ("config.service.heartbeat", "1"),
    ];
    Running::with(&[&fixed, settings].concat())
}

/// Waits until something is so.
fn eventually(what: &str, within: Duration, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + within;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a GET is answered so.
fn answered(gateway: &Running, target: &str, status: u16, text: &str) {
    eventually(&format!("{target} answers {status} {text}"), Duration::from_secs(15), || {
        let answer = gateway.get(target, &[]);
        answer.status == status && (text.is_empty() || answer.text() == text)
    });
}

/// A page of the admin listener.
fn admin(gateway: &Running, page: &str) -> (u16, String) {
    let answer = gateway_tests::Client::connect(gateway.admin()).request("GET", page, &[]);
    (answer.status, answer.text())
}
