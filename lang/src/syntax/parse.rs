//! The parser of items: the only file, with its expressions, that knows pest.

mod expr;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;
use pest_derive::Parser;

use super::ast::*;
use super::expect::{not_an_item, unexpected};
use super::scan::{Chunk, scan};
use super::span;
use crate::diag::codes::syntax::{CLAUSE_TWICE, ENCODING, NOT_AN_ITEM, TOO_LARGE, UNEXPECTED};
use crate::diag::{Diagnostic, Errors};
use crate::source::{self, Span};

/// The largest text that is compiled.
pub const MAX_SOURCE: usize = 1 << 20;

/// Enough errors for one run: what follows is noise, and takes memory.
const MAX_ERRORS: usize = 100;

#[derive(Parser)]
#[grammar = "grammar.pest"]
struct Grammar;

/// The text of a source that came as bytes.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<source::Source, Errors> {
    let name = name.to_owned();
    match String::from_utf8(bytes) {
        Ok(text) => Ok(source::Source { name, text }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let message = format!("{name} is not text: byte {at} is not UTF-8");
            Err(Errors(vec![Diagnostic::new(&ENCODING, message)]))
        }
    }
}

/// Parses the first source of a compilation.
pub fn parse(text: &str) -> Result<Script, Errors> {
    parse_file(text, 0)
}

/// Parses the source with the index `file`.
pub fn parse_file(text: &str, file: u32) -> Result<Script, Errors> {
    if text.len() > MAX_SOURCE {
        let message = format!("a source of {} bytes is too large", text.len());
        let error = Diagnostic::new(&TOO_LARGE, message);
        return Err(Errors(vec![error.help("at most 1 MiB is compiled")]));
    }
    let (chunks, errors) = scan(text, file);
    let mut builder = Builder {
        text,
        file,
        base: 0,
        errors,
    };
    let mut items = Vec::new();
    for chunk in chunks.into_iter().filter(|chunk| !chunk.bad) {
        if builder.errors.len() >= MAX_ERRORS {
            break;
        }
        builder.base = chunk.start;
        items.extend(builder.chunk(chunk));
    }
    if builder.errors.is_empty() {
        return Ok(Script { items });
    }
    let mut errors = builder.errors;
    errors.sort_by_key(|error| error.labels.first().map_or(0, |label| label.span.start));
    errors.truncate(MAX_ERRORS);
    Err(Errors(errors))
}

/// Makes the tree from pest's pairs. `None` means that an error was reported.
struct Builder<'a> {
    text: &'a str,
    file: u32,
    /// Where the item that is being parsed starts.
    base: usize,
    errors: Vec<Diagnostic>,
}

type Node<'a> = Pair<'a, Rule>;

impl Builder<'_> {
    fn span(&self, node: &Node<'_>) -> Span {
        let place = node.as_span();
        span(
            self.file,
            self.base + place.start(),
            self.base + place.end(),
        )
    }

    fn at<T>(&self, node: &Node<'_>, value: T) -> Spanned<T> {
        Spanned {
            node: value,
            span: self.span(node),
        }
    }

    fn word(&self, node: &Node<'_>) -> Name {
        self.at(node, node.as_str().to_owned())
    }

    fn words(&self, node: Node<'_>) -> Vec<Name> {
        node.into_inner().map(|part| self.word(&part)).collect()
    }

    fn chunk(&mut self, chunk: Chunk) -> Option<Spanned<Item>> {
        let text = &self.text[chunk.start..chunk.end];
        if !super::ITEM_KEYWORDS
            .iter()
            .any(|word| starts_with_word(text, word))
        {
            self.no_item(text);
            return None;
        }
        let item = match Grammar::parse(Rule::item, text) {
            Ok(mut pairs) => pairs.next()?.into_inner().next()?,
            Err(error) => {
                self.unexpected(text, chunk.open, error);
                return None;
            }
        };
        let mut node = self.item(item)?;
        if let (Item::Param(param), true) = (&mut node, chunk.first) {
            param.help = comment_above(self.text, chunk.start);
        }
        let span = span(self.file, chunk.start, chunk.end);
        Some(Spanned { node, span })
    }

    fn no_item(&mut self, text: &str) {
        let len = text.find(char::is_whitespace).unwrap_or(text.len());
        let found = &text[..len];
        let place = span(self.file, self.base, self.base + len);
        let mut error = Diagnostic::new(&NOT_AN_ITEM, "expected a statement")
            .label(place, "a statement starts with `trace`, `on` or `join`");
        error = match not_an_item(found) {
            Some(word) => error.help(format!("did you mean `{word}`?")),
            None => error.help("definitions start with `let`, `def`, `param` or `use`"),
        };
        self.errors.push(error);
    }

    fn unexpected(&mut self, text: &str, open: bool, error: pest::error::Error<Rule>) {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        let wanted = match error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives,
            ErrorVariant::CustomError { .. } => Vec::new(),
        };
        // The words of a path stand together: behind a dot, a further line comes too late.
        let unfinished = open && at == text.len() && wanted != [Rule::part];
        let wanted = describe(&wanted);
        let said = unexpected(text, at, &wanted);
        let start = self.base + at;
        // At the end of the text the last character is shown rather than the void behind it.
        let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
        let start = if said.len == 0 {
            self.base + last
        } else {
            start
        };
        let place = span(
            self.file,
            start,
            start + said.len.max(text.len() - last).min(said.len.max(1)),
        );
        let mut error = Diagnostic::new(&UNEXPECTED, said.message)
            .label(place, said.label)
            .unfinished(unfinished);
        error.help.extend(said.help);
        self.errors.push(error);
    }

    fn item(&mut self, node: Node<'_>) -> Option<Item> {
        let rule = node.as_rule();
        let mut inner = node.into_inner();
        let keyword = inner.next()?;
        match rule {
            Rule::binding => Some(Item::Let(self.definition(inner)?)),
            Rule::def => Some(Item::Def(self.definition(inner)?)),
            Rule::import => {
                let what = inner.next()?;
                Some(Item::Use(match what.as_rule() {
                    Rule::string => {
                        let text = self.string(&what)?;
                        Import::File(self.at(&what, text))
                    }
                    _ => Import::Module(self.words(what)),
                }))
            }
            Rule::param => {
                let name = self.word(&inner.next()?);
                let ty = self.word(&inner.next()?);
                let default = match inner.nth(1) {
                    Some(expr) => Some(self.expr(expr)?),
                    None => None,
                };
                Some(Item::Param(Param {
                    name,
                    ty,
                    default,
                    help: Vec::new(),
                }))
            }
            _ => {
                let verb = match keyword.as_rule() {
                    Rule::k_trace => Verb::Trace,
                    Rule::k_on => Verb::On,
                    _ => Verb::Join,
                };
                let sources = inner.next()?.into_inner();
                let mut statement = Statement::new(verb);
                statement.sources = sources.map(|source| self.source(source)).collect();
                let mut complete = true;
                for clause in inner.filter(|node| node.as_rule() != Rule::EOI) {
                    complete &= self.clause(&mut statement, clause).is_some();
                }
                complete.then_some(Item::Statement(Box::new(statement)))
            }
        }
    }

    fn definition(&mut self, mut inner: pest::iterators::Pairs<'_, Rule>) -> Option<Definition> {
        let name = self.word(&inner.next()?);
        let value = self.expr(inner.nth(1)?)?;
        Some(Definition { name, value })
    }

    fn source(&self, node: Node<'_>) -> Source {
        let whole = self.span(&node);
        let mut source = Source {
            optional: None,
            path: Spanned {
                node: Vec::new(),
                span: whole,
            },
        };
        for part in node.into_inner() {
            if part.as_rule() == Rule::k_optional {
                source.optional = Some(self.at(&part, ()));
            } else {
                source.path.span = self.span(&part);
                source.path.node = self.words(part);
            }
        }
        source
    }

    fn clause(&mut self, statement: &mut Statement, node: Node<'_>) -> Option<()> {
        let rule = node.as_rule();
        let mut inner = node.into_inner();
        let keyword = self.at(&inner.next()?, ());
        match rule {
            Rule::required => self.once(&mut statement.required, keyword, ()),
            Rule::emit => {
                let emit = self.emit(inner.next()?)?;
                self.once(&mut statement.emit, keyword, emit)
            }
            Rule::by => {
                let keys = self.columns(inner.next()?)?;
                self.once(&mut statement.by, keyword, keys)
            }
            _ => {
                let value = self.expr(inner.next()?)?;
                let slot = match rule {
                    Rule::filter => &mut statement.filter,
                    Rule::every => &mut statement.every,
                    Rule::top => &mut statement.top,
                    Rule::having => &mut statement.having,
                    Rule::duration => &mut statement.duration,
                    _ => &mut statement.limit,
                };
                self.once(slot, keyword, value)
            }
        }
    }

    fn once<T>(
        &mut self,
        slot: &mut Option<Spanned<T>>,
        keyword: Spanned<()>,
        node: T,
    ) -> Option<()> {
        let span = keyword.span;
        if let Some(first) = slot {
            let start = usize::try_from(span.start).unwrap_or(0);
            let end = usize::try_from(span.end).unwrap_or(0);
            let word = &self.text[start..end];
            self.errors.push(
                Diagnostic::new(&CLAUSE_TWICE, format!("`{word}` stands here twice"))
                    .label(span, "again")
                    .label(first.span, "first here"),
            );
            return None;
        }
        *slot = Some(Spanned { node, span });
        Some(())
    }

    fn emit(&mut self, node: Node<'_>) -> Option<Emit> {
        match node.as_rule() {
            Rule::tree => Some(Emit::Tree),
            Rule::stages => Some(Emit::Stages),
            _ => self.columns(node).map(Emit::Columns),
        }
    }

    fn columns(&mut self, node: Node<'_>) -> Option<Vec<Column>> {
        let columns: Vec<_> = node.into_inner().map(|node| self.column(node)).collect();
        columns.into_iter().collect()
    }

    fn column(&mut self, node: Node<'_>) -> Option<Column> {
        let mut inner = node.into_inner();
        let expr = self.expr(inner.next()?)?;
        let name = match inner.nth(1) {
            Some(name) if name.as_rule() == Rule::string => {
                let text = self.string(&name)?;
                Some(self.at(&name, text))
            }
            Some(name) => Some(self.word(&name)),
            None => None,
        };
        Some(Column { expr, name })
    }
}

impl Statement {
    fn new(verb: Verb) -> Self {
        Self {
            verb,
            sources: Vec::new(),
            filter: None,
            emit: None,
            by: None,
            every: None,
            top: None,
            having: None,
            duration: None,
            limit: None,
            required: None,
        }
    }
}

fn starts_with_word(text: &str, word: &str) -> bool {
    let rest = text.strip_prefix(word);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

/// The lines of comment directly above an item that is the first on its line.
fn comment_above(text: &str, at: usize) -> Vec<String> {
    let lines = text[..at].rsplit('\n').skip(1);
    let comment = |line: &&str| line.trim().starts_with('#') && !line.starts_with("#!");
    let strip = |line: &str| line.trim().trim_start_matches('#').trim().to_owned();
    let mut help: Vec<String> = lines.take_while(comment).map(strip).collect();
    help.reverse();
    help
}

/// The grammar's rules in the words of users, in the order in which they are listed.
fn describe(rules: &[Rule]) -> Vec<&'static str> {
    let mut words: Vec<_> = rules.iter().filter_map(|&rule| name(rule)).collect();
    words.sort_unstable();
    words.dedup();
    words.into_iter().map(|(_, name)| name).collect()
}

/// The name of a rule, after its place in lists.
fn name(rule: Rule) -> Option<(u8, &'static str)> {
    Some(match rule {
        Rule::expr | Rule::path | Rule::call | Rule::set | Rule::paren | Rule::number => {
            (0, "an expression")
        }
        Rule::device | Rule::string | Rule::dollar | Rule::boolean => (0, "an expression"),
        Rule::not | Rule::neg => (0, "an expression"),
        Rule::name => (1, "a name"),
        Rule::type_name => (1, "a type"),
        Rule::part => (1, "a name after the dot"),
        Rule::place | Rule::source | Rule::sources => (1, "a layer"),
        Rule::module => (1, "a module"),
        Rule::tree => (2, "`tree`"),
        Rule::stages => (2, "`stages`"),
        Rule::assign => (2, "`=`"),
        Rule::eq | Rule::add | Rule::infix => (3, "an operator"),
        Rule::k_as => (4, "`as`"),
        Rule::k_where | Rule::k_emit | Rule::k_by | Rule::k_every | Rule::k_top => (5, "a clause"),
        Rule::k_having | Rule::k_for | Rule::k_limit | Rule::k_required => (5, "a clause"),
        Rule::filter | Rule::emit | Rule::by | Rule::every | Rule::top => (5, "a clause"),
        Rule::having | Rule::duration | Rule::limit | Rule::required => (5, "a clause"),
        Rule::EOI => (6, "the end of the statement"),
        _ => return None,
    })
}
