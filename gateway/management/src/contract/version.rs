//! Versions of the interface (management-api.md §1.2).

/// The values of `api-version` that are accepted, oldest first.
pub const API_VERSIONS: &[&str] = &[
    "2016-07-07",
    "2016-10-10",
    "2017-03-01",
    "2018-01-01",
    "2018-06-01-preview",
    "2019-01-01",
    "2019-12-01-preview",
    "2019-12-01",
    "2020-06-01-preview",
    "2020-12-01",
    "2021-01-01-preview",
    "2021-04-01-preview",
    "2021-08-01",
    "2021-12-01-preview",
    "2022-04-01-preview",
    "2022-08-01",
    "2022-09-01-preview",
    "2023-03-01-preview",
    "2023-05-01-preview",
    "2023-09-01-preview",
    "2024-05-01",
    "2024-06-01-preview",
    "2024-10-01-preview",
    "2025-03-01-preview",
    "2025-09-01-preview",
    "2026-03-01-preview",
];

/// Whether a version is accepted; letters are compared without case.
pub fn is_known(version: &str) -> bool {
    API_VERSIONS.iter().any(|known| known.eq_ignore_ascii_case(version))
}
