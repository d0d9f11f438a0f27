//! The kernel path on a real kernel: network namespaces and veth pairs that each test makes for itself.
//!
//! Needs root (or `CAP_BPF`, `CAP_NET_ADMIN`, `CAP_SYS_ADMIN`), iproute2 and an object built by
//! `cargo xtask build-ebpf`; without them each test says that it is skipped. No test touches an interface that
//! it has not made.
//!
//! What the kernel path promises, and where that is tested. Tests without a crate are here:
//!
//! | part | promise | test |
//! | --- | --- | --- |
//! | decisions | one library for XDP and TC, agreeing with a slow reference | `gateway-common/tests/parser`, `admit_never_more…`, `longest_agrees…` of `gateway-common`, `tests/fuzz` (`packet`, `shed`, `balance`) |
//! | shed | the same verdicts in native XDP, generic XDP and TCX | `shedding::shedding_native_xdp_is_exact` and its two siblings, `…by_any_number_of_lengths…` |
//! | shed | a million prefixes | `put_a_million_fits` of `gateway-datapath` |
//! | shed | per-source limit of new connections | `shedding::shedding_new_connections_beyond_the_limit` |
//! | shed | bogus ports and headers | `shedding::shedding_malformed_segments_when_asked_to` |
//! | shed | by command, by file | `gateway::denied_client_is_cut_off_until_the_trial_ends`, `shedding::shedding_files_are_followed…` |
//! | shed | policy offload, and the same answers without | `gateway::address_filter_of_the_global_policy_is_applied_before_the_stack`, `…without_the_setting_answers_403` |
//! | shed | abuse feedback with an end, never whom a header names | `gateway::source_that_keeps_being_refused_is_kept_off_for_a_while` |
//! | shed | management networks cannot be denied, with the reason | `shedding::shedding_what_is_protected_is_refused_with_the_reason`, `refusal_names_network_and_reason` of `gateway-datapath` |
//! | shed | drops are counted by reason and rule, and sampled to the log | `gateway::source_that_keeps…`, `logging::log_record_of_a_dropped_packet_names_source_and_rule` |
//! | floods | cookies while the queue overflows, both families, default sysctls | `floods` |
//! | steer | bindings to listeners; live from settings | `steering::steering_…`, `live` |
//! | steer | by CPU, by hash | `steering::reuseport_by_cpu_chooses…`, `steering::reuseport_by_hash_spreads…` |
//! | steer | workers that are spared; queues that move | `steering::reuseport_spares…`, `steering::reuseport_moves_the_queue…`, `look_a_silent_worker…` of `gateway` |
//! | steer | by hash when one queue gets everything | `steering::reuseport_by_cpu_is_given_up…` |
//! | steer | without programs the kernel's own way (`SO_INCOMING_CPU`) | `gateway::gateway_serves_with_the_path_off`, `steering::steering_ends_with_the_datapath` |
//! | hand over | nobody refused or reset, take-over after take-over under load | `takeovers::takeovers_with_the_kernel_path…`, and without it `takeover::takeovers_under_load…` of `tests/data_plane` |
//! | hand over | no packet between two programs, lists and flows go over | `lifecycle::takeover_…`, `balancing::balancing_takes_flows_over…` |
//! | hand over | what does not fit is refused, the old one stays | `takeover::takeover_that_does_not_fit…` of `tests/data_plane` |
//! | balance | members, errors, fragments, floods, a site | `balancing`, `balancer` |
//! | splice | byte-exact, half-close, reset, self-test (§7) | `splicing`, `l4` of `tests/data_plane` |
//! | splice | routes change live, open connections stay | `l4::live` of `tests/data_plane`, `live::settings_file…` |
//! | modes | native, generic, TCX and off by force; TCX on veth by itself | `counting::counting_…`, `modes_auto…` of `gateway-datapath` |
//! | modes | native while an attack lasts, if allowed | `shedding::shedding_under_attack…` |
//! | modes | what was chosen and does not do is taken back, what was forced says so | `probation`, `judge_…`, `sight_…` of `gateway-datapath` |
//! | modes | devices that come and go, by name, unknown ones | `lifecycle::interface_…` |
//! | modes | devices that get another name, labels of addresses, longer packets | `interfaces`, `gateway::renamed_interface…` |
//! | measure | run-time statistics on request | `counting::counting_runs_of_programs_on_request` |
//! | rights | each capability missing, exactly the three, no root | `capabilities`, `lifecycle::with…`, `gateway::threads_keep_no_capability…` |
//!
//! Metrics of ebpf-datapath.md §4, all moved by the test of `gateway-telemetry` that no metric stands still:
//!
//! | metric | test of its figures |
//! | --- | --- |
//! | `gateway_datapath_packets_total`, `…bytes_total` | `counting`, `gateway::requests_through_the_kernel_path…` |
//! | `gateway_datapath_dropped_total{reason,rule,interface}` | `gateway::denied_client…`, `name_…` of `gateway-datapath` |
//! | `gateway_syn_flood_active`, `gateway_syn_cookies_sent_total`, by listener | `floods` |
//! | `gateway_client_rtt_seconds`, `gateway_tcp_connections_total` | `connections::connections_established_closed…` |
//! | `gateway_tcp_connection_duration_seconds` | `connections::connections_that_last_and_are_reset…` |
//! | `gateway_tcp_retransmits_total` | `connections::connections_lost_segments…` |
//! | `gateway_accepts_total{worker}` | `steering::reuseport_…`, `metrics` of `gateway-telemetry` |
//! | `gateway_listener_lookup_errors_total{listener}` | `steering::steering_to_a_closed_listener…` |
//! | `gateway_bpf_run_total`, `gateway_bpf_run_seconds_total` | `counting::counting_runs…` |
//! | `gateway_datapath_info` | `gateway::requests_through…`, `render_status…` of `gateway-datapath` |
//!
//! The safety rules of ebpf-datapath.md §10:
//!
//! | rule | promise | test |
//! | --- | --- | --- |
//! | 1 | the operator is not cut off | `shedding::shedding_what_is_protected…`, `ssh_peer…` of `gateway-datapath` |
//! | 2 | in doubt a packet passes | `trial::verdict_any_truncation…`, `shedding::shedding_ends_when_user_space_gives_no_sign_of_life` |
//! | 3 | the kill switch, also without the daemon | `shedding::shedding_kill_switch…`, `counting::counting_after_the_kill_switch…`, `lifecycle::detach_from_outside…` |
//! | 4 | commands and attachments are on trial until confirmed | `probation`, `shedding::shedding_on_trial_ends…`, `gateway::denied_client…` |
//! | 5 | links are replaced in one step; nothing is pinned | `lifecycle::takeover_of_the_attachments…`, `lifecycle::killed_holder…` |
//! | 6 | programs of others stay, TCX and XDP | `lifecycle::foreign_xdp_program_stays`, `foreign` |
//! | 7 | options, tags, fragments, checksums, jumbo frames | `frames`, `too_long`, `gateway-common/tests/parser` |
//! | 8 | bounded whatever an attacker sends | `shedding::shedding_full_map…`, `balancing::balancing_a_flood_of_new_flows…`, `floods::flood_above_the_limit…` |
//! | 9 | least privilege | `gateway::threads_keep_no_capability…` |
//! | 10 | everything works without | `gateway::gateway_serves_with_the_path_off` |
//! | 11 | what cannot be made degrades | `balancing::balancing_that_the_kernel_refuses…` |
//!
//! The faults of reliability-security.md §6.5:
//!
//! | id | fault | test |
//! | --- | --- | --- |
//! | E-01 | no rights | `capabilities`, `lifecycle::without_capabilities…`, `lifecycle::without_one…` |
//! | E-02 | a hook or a mode that is not there | `lifecycle::required_that_cannot_be…`, `floods::cookies_without_xdp_are_reported`, `cargo xtask test-kernels` |
//! | E-03 | the verifier refuses | `fitting_…`, `tail_long_log…` of `gateway-datapath` |
//! | E-04 | a map is full | `shedding::shedding_full_map_drops_nothing_more` |
//! | E-05 | killed, or alive and doing nothing | `lifecycle::killed_holder_leaves_nothing_attached`, `shedding::shedding_ends_when…` |
//! | E-06 | another layout | `takeover::takeover_from_a_gateway_of_another_layout…` of `tests/data_plane`; nothing is pinned |
//! | E-07 | interfaces go, come back, belong to others | `lifecycle::interface_that_returns…`, `lifecycle::foreign_xdp…` |
//! | E-08 | the target of a redirection is gone | `steering::steering_to_a_closed_listener…`, `balancing::balancing_what_leads_nowhere_is_dropped_and_counted` |
//! | E-09 | malformed frames, cut at every byte | `trial::verdict_any_truncation_is_passed_and_counted_once` |
//! | E-10 | a flood of new sources | `floods`, `balancing::balancing_a_flood…` |
//! | E-11 | steering to what has died | `steering::steering_to_a_closed_listener…`, `steering::reuseport_moves…` |
//! | E-12 | kernel and user space differ | `audit_puts_right…` of `gateway-datapath` |

mod balancer;
mod balancing;
mod capabilities;
mod connections;
mod counting;
mod floods;
mod foreign;
mod frames;
mod gateway;
mod interfaces;
mod lifecycle;
mod live;
mod logging;
mod probation;
mod shedding;
mod splicing;
mod steering;
mod takeovers;
mod too_long;
mod trial;
