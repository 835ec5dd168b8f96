//! Names that may have been meant.

/// At most three of `names` that are close to `word`, the closest first.
pub fn near<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let length = word.chars().count();
    // The distance takes the product of the lengths: no name is as long as this.
    if length > 64 {
        return Vec::new();
    }
    let limit = (length / 3).max(1);
    let folded = word.to_lowercase();
    let mut found: Vec<(usize, String)> = Vec::new();
    for name in names {
        let distance = strsim::damerau_levenshtein(&folded, &name.to_lowercase());
        let known = found.iter().any(|(_, other)| other == name);
        if distance <= limit && distance < length && !known {
            found.push((distance, name.to_owned()));
        }
    }
    found.sort();
    found.into_iter().take(3).map(|(_, name)| name).collect()
}

/// `did you mean …?`
pub fn did_you_mean(names: &[String]) -> Option<String> {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => None,
        Some((last, [])) => Some(format!("did you mean {last}?")),
        Some((last, rest)) => Some(format!("did you mean {} or {last}?", rest.join(", "))),
    }
}
