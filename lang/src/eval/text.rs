//! Text is bytes: the kernel's names need not be UTF-8.

use crate::value::Value;

/// The bytes of a text.
pub(super) fn bytes<'a>(value: &'a Value) -> Option<&'a [u8]> {
    match value {
        Value::Text(text) => Some(text),
        Value::Owned(text) => Some(text),
        _ => None,
    }
}

/// `lower(text)`, of ASCII letters.
pub(super) fn lower<'a>(value: &Value) -> Value<'a> {
    bytes(value).map_or(Value::Null, |text| Value::Owned(text.to_ascii_lowercase()))
}

/// `length(text)`, in bytes.
pub(super) fn length<'a>(value: &Value) -> Value<'a> {
    bytes(value).map_or(Value::Null, |text| Value::Int(text.len() as i128))
}

/// Whether the whole text matches a glob: `*` is any bytes, `?` is one.
///
/// After a mismatch only the last `*` takes one byte more, so the time is bounded by the product of the lengths.
pub fn matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut retry = None;
    while read < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                at += 1;
                retry = Some((at, read));
            }
            Some(&byte) if byte == b'?' || byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star, taken)) = retry else {
                    return false;
                };
                (at, read) = (star, taken + 1);
                retry = Some((star, read));
            }
        }
    }
    glob[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs() {
        let cases = [
            ("", "", true),
            ("*", "", true),
            ("post*", "postgres", true),
            ("post*", "pos", false),
            ("*log", "wal.log", true),
            ("*log", "wal.logs", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXcXb", false),
            ("?", "", false),
            ("k?orker", "kworker", true),
            ("**a", "ba", true),
            ("a?*", "a", false),
        ];
        for (glob, text, expected) in cases {
            let found = matches(glob.as_bytes(), text.as_bytes());
            assert_eq!(found, expected, "{text:?} ~ {glob:?}");
        }
        assert!(matches(b"a?c", b"a\xffc"), "bytes need not be UTF-8");
    }
}
