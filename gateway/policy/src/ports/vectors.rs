//! Responses by the meaning of what was asked: vectors, in partitions that do not see each other.

use std::sync::Arc;

use super::{Entry, LocalFuture, Writer};

/// The semantic cache. Whatever goes wrong with it is a miss, and no error.
pub trait Vectors {
    /// The entry of the vector nearest to `vector` in a partition, unless it is further than `distance_max`.
    fn nearest<'a>(
        &'a self,
        partition: &'a str,
        vector: &'a Arc<[f32]>,
        distance_max: f64,
    ) -> LocalFuture<'a, Option<Arc<Entry>>>;

    /// A way to store under a vector. Entries beyond [`ENTRY_BYTES_MAX`](super::ENTRY_BYTES_MAX) are dropped.
    fn vector_writer(&self, partition: &str, vector: &Arc<[f32]>) -> Writer;
}

/// 1 − cosine similarity: 0 for the same direction, 1 for unrelated ones, 2 for opposite ones. 2 as well where there
/// is no direction.
pub fn cosine_distance(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 { f64::from(a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>()) };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if a.len() != b.len() || lengths <= 0.0 || !lengths.is_finite() { 2.0 } else { 1.0 - dot(a, b) / lengths }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_distance_of_directions() {
        for (a, b, distance) in [
            ([1.0, 0.0], [3.0, 0.0], 0.0),
            ([1.0, 0.0], [0.0, 2.0], 1.0),
            ([1.0, 0.0], [-1.0, 0.0], 2.0),
            ([0.0, 0.0], [1.0, 0.0], 2.0),
            ([f32::NAN, 0.0], [1.0, 0.0], 2.0),
        ] {
            assert!((cosine_distance(&a, &b) - distance).abs() < 1e-6, "{a:?} {b:?}");
        }
        assert!((cosine_distance(&[1.0], &[1.0, 0.0]) - 2.0).abs() < 1e-6);
    }
}
