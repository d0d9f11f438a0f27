//! `System.BitConverter`, little-endian.

use super::exception::{Error, Result};

const INDEX: &str = "Index was out of range. Must be non-negative and less than the size of the collection.";

/// `BitConverter.ToString(bytes)`: `0A-FF`.
pub fn text(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    parts.join("-")
}

/// `BitConverter.ToString(bytes, start, length)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`, `ArgumentException`.
pub fn text_part(bytes: &[u8], start: i32, length: Option<i32>) -> Result<String> {
    let at = usize::try_from(start).ok().filter(|at| *at < bytes.len() || (*at == 0 && bytes.is_empty()));
    let at = at.ok_or_else(|| Error::out_of_range(INDEX, "startIndex"))?;
    let count = match length {
        None => bytes.len() - at,
        Some(count) => {
            usize::try_from(count).map_err(|_| Error::out_of_range("Value must be positive.", "length"))?
        }
    };
    bytes.get(at..at.saturating_add(count)).map(text).ok_or_else(too_short)
}

fn too_short() -> Error {
    let text = "Destination array is not long enough to copy all the items in the collection. Check array index and \
                length.";
    Error::argument_for(text, "value")
}

/// `N` bytes from `start`, for `ToInt32` (`i32::from_le_bytes`) and its kin.
///
/// # Errors
/// `ArgumentOutOfRangeException`, `ArgumentException`.
pub fn take<const N: usize>(bytes: &[u8], start: i32) -> Result<[u8; N]> {
    let at = usize::try_from(start).ok().filter(|at| *at < bytes.len());
    let at = at.ok_or_else(|| Error::out_of_range(INDEX, "startIndex"))?;
    bytes.get(at..at + N).and_then(|part| part.try_into().ok()).ok_or_else(too_short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_and_read_as_by_dotnet() {
        assert_eq!(text(&[10, 255]), "0A-FF");
        assert_eq!(text_part(&[1, 2, 3], 1, None).unwrap(), "02-03");
        assert_eq!(text_part(&[1, 2, 3], 1, Some(5)).unwrap_err(), too_short());
        assert!(text_part(&[1, 2, 3], 5, None).unwrap_err().message.ends_with("(Parameter 'startIndex')"));
        assert_eq!(take(&[1, 2, 3, 4], 0).map(i32::from_le_bytes), Ok(67_305_985));
        assert_eq!(take::<4>(&[1, 2, 3, 4], 1).unwrap_err(), too_short());
        assert!(take::<4>(&[1, 2, 3, 4], 4).is_err() && take::<4>(&[1], -1).is_err());
    }
}
