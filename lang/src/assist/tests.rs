//! A bar marks the cursor.

use super::*;

fn at_bar(text: &str) -> Completion {
    let at = text.find('|').expect("a bar");
    let known = Known {
        names: vec!["slow".into(), "is_db".into()],
        modules: vec!["stdlib.storage".into()],
        tools: vec!["snoop".into(), "top-files".into()],
    };
    complete(&text.replace('|', ""), at, &known)
}

fn words(text: &str) -> Vec<String> {
    at_bar(text).words
}

#[track_caller]
fn offers(text: &str, some: &[&str], not: &[&str]) {
    let words = words(text);
    for word in some {
        assert!(
            words.iter().any(|it| it == word),
            "{text}: {word} in {words:?}"
        );
    }
    for word in not {
        assert!(
            !words.iter().any(|it| it == word),
            "{text}: {word} not in {words:?}"
        );
    }
}

#[test]
fn items_layers_points_clauses() {
    offers("|", &["trace", "let", "snoop"], &["where", "lat"]);
    assert_eq!(words("tr|"), ["trace"]);
    assert_eq!(words("top-f|"), ["top-files"]);
    assert_eq!(at_bar("use \"lib/|").machine, Some(Machine::File));
    offers("let a = 1; |", &["trace"], &[]);
    offers("trace |", &["block", "syscall", "qemu"], &["where"]);
    assert_eq!(words("trace block, nv|"), ["nvme"]);
    assert_eq!(words("on blo|"), ["block."]);
    offers("on block.|", &["issue", "complete"], &["exit"]);
    assert_eq!(words("on block.comp|"), ["complete"]);
    offers("trace block |", &["where", "emit"], &["block"]);
    assert_eq!(words("trace block where lat > 1ms lim|"), ["limit"]);
    assert_eq!(words("use |"), ["stdlib.storage"]);
    assert_eq!(words("use stdlib.s|"), ["stdlib.storage"]);
    offers("param x: du|", &["duration"], &["op"]);
}

#[test]
fn fields_are_those_of_the_sources() {
    offers(
        "trace block where |",
        &["lat", "slow", "abs("],
        &["call", "count("],
    );
    offers("on block.issue where |", &["q2d"], &["lat"]);
    offers(
        "trace syscall where lat > 1ms and |",
        &["call", "file"],
        &["sector"],
    );
    offers("trace block emit |", &["count(", "lat"], &["tree"]);
    offers(
        "join syscall, block emit |",
        &["tree", "syscall.", "sector"],
        &[],
    );
    offers(
        "join syscall, block where block.|",
        &["sector", "lat"],
        &["call"],
    );
    offers(
        "join syscall, block emit max(block[].|",
        &["sector"],
        &["call"],
    );
    offers("def fast = |", &["lat", "call", "sector"], &[]);
    offers("trace block where (lat > 1ms or |", &["size"], &[]);
    assert_eq!(words("trace block where lat > sl|"), ["slow"]);
    assert_eq!(words("trace block where lat > 1|"), [""; 0]);
}

#[test]
fn values_are_those_of_the_field() {
    offers(
        "trace block where op == |",
        &["read", "flush", "slow"],
        &["lat"],
    );
    assert_eq!(words("trace block where op in {read, fl|"), ["flush"]);
    assert_eq!(words("trace block where op not in {fl|"), ["flush"]);
    assert_eq!(words("trace block where sync == t|"), ["true"]);
    assert_eq!(words("trace block where pid under $|"), ["$child"]);
    let machine = |text| {
        let found = at_bar(text);
        (found.machine, found.start, found.quoted)
    };
    assert_eq!(
        machine("trace block where dev == dm-|"),
        (Some(Machine::Device), 25, false)
    );
    assert_eq!(
        machine("trace block where dev in {vda, v|"),
        (Some(Machine::Device), 31, false)
    );
    assert_eq!(
        machine("trace block where pid == 12|"),
        (Some(Machine::Process), 25, false)
    );
    assert_eq!(
        machine("trace block where comm == \"kw|"),
        (Some(Machine::Command), 27, true)
    );
    assert_eq!(
        machine("trace syscall where file == \"/va|"),
        (Some(Machine::File), 29, true)
    );
    assert_eq!(
        machine("trace syscall where file under \"/va|"),
        (Some(Machine::Directory), 32, true)
    );
    assert_eq!(
        machine("trace syscall where cgroup under |").0,
        Some(Machine::Cgroup)
    );
    assert_eq!(machine("trace block where op == \"|").0, None);
}

#[test]
fn nothing_where_nothing_can_stand() {
    for text in [
        "# tr|",
        "let |",
        "trace block emit lat as |",
        "\"tr|",
        "trace block where lat > 1ms..|x\"é",
    ] {
        let words = words(text);
        assert!(
            words.is_empty() || words == ["slow", "is_db"],
            "{text}: {words:?}"
        );
    }
}

#[test]
fn every_place_of_every_text_is_looked_at() {
    let text = "use stdlib.storage; trace block, nvme where dev in {vda, \"x\\\"\"} and not (lat in 1ms..2ms) \
                emit block[].lat as \"µ\" # c\non block.issue where pid under $child";
    for (at, _) in text.char_indices() {
        let found = complete(text, at, &Known::default());
        assert!(found.start <= at);
        complete(&text[at..], text.len() - at, &Known::default());
        for (range, _) in highlight(&text[at..]) {
            assert!(text[at..].get(range).is_some());
        }
    }
}

#[test]
fn words_have_classes() {
    let text = "trace block where lat > 1.5ms and count(x) == $1 \"a\" \"b # c";
    let found: Vec<_> = highlight(text)
        .into_iter()
        .map(|(range, class)| (&text[range], class))
        .collect();
    use Class::*;
    let wanted = [
        ("trace", Keyword),
        ("block", Name),
        ("where", Keyword),
        ("lat", Name),
        ("1.5ms", Number),
        ("and", Keyword),
        ("count", Function),
        ("$1", Argument),
        ("\"a\"", Text),
        ("\"b # c", Wrong),
    ];
    assert_eq!(found, wanted);
}
