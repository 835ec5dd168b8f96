//! The line editor: rustyline with the language's completion, colours, and its notion of what is not finished.

use std::borrow::Cow;

use iotq_lang::assist::{self, Class, Known};
use iotq_lang::check;
use iotq_lang::diag::codes;
use iotq_lang::syntax;
use iotq_probes::catalogue::LAYERS;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Behavior, Cmd, CompletionType, Config, Context, Editor, EventHandler, KeyCode, KeyEvent,
    Modifiers,
};

use super::command::{COMMANDS, OPTIONS};
use super::history::Kept;
use super::machine;
use super::session::tool;

const PROMPT: &str = "iotq> ";

/// So many inputs are kept.
const HISTORY: usize = 10_000;

/// Reads inputs.
pub struct Reader {
    editor: Editor<Helper, DefaultHistory>,
    kept: Kept,
}

impl Reader {
    /// A reader of the terminal. If standard output is none, the prompt goes to the terminal itself.
    ///
    /// # Errors
    /// If the terminal cannot be used.
    pub fn new() -> rustyline::Result<Self> {
        let config = Config::builder()
            .behavior(Behavior::PreferTerm)
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .max_history_size(HISTORY)?
            .history_ignore_dups(true)?
            .history_ignore_space(true)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Helper::default()));
        editor.bind_sequence(
            KeyEvent(KeyCode::Enter, Modifiers::ALT),
            EventHandler::Simple(Cmd::Newline),
        );
        let kept = Kept::load(&mut editor);
        Ok(Self { editor, kept })
    }

    /// What completion may offer.
    pub fn know(&mut self, known: Known) {
        if let Some(helper) = self.editor.helper_mut() {
            helper.known = known;
        }
    }

    /// Reads an input, and keeps it in the history.
    ///
    /// # Errors
    /// Ctrl-C, the end of the input, and those of the terminal.
    pub fn read(&mut self) -> rustyline::Result<String> {
        let text = self.editor.readline(PROMPT)?;
        if !text.trim().is_empty() {
            self.editor.add_history_entry(text.trim_end())?;
            self.kept.append(&mut self.editor);
        }
        Ok(text)
    }
}

#[derive(Default)]
struct Helper {
    known: Known,
}

impl rustyline::Helper for Helper {}

impl Hinter for Helper {
    type Hint = String;
}

impl Validator for Helper {
    /// A text that is not finished goes on in the next line, until an empty one ends it as it is.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let last = text.rsplit('\n').next().unwrap_or("");
        let ended = text.contains('\n') && last.trim().is_empty();
        let unfinished = || syntax::parse(text).is_err_and(|errors| errors.unfinished());
        let whole = text.starts_with(':') || tool(text).is_some();
        Ok(match whole || ended || !unfinished() {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let mut out = String::with_capacity(2 * line.len());
        let query = query_start(line);
        paint(&mut out, &line[..query], BOLD);
        let mut done = query;
        for (range, class) in assist::highlight(&line[query..]) {
            let (start, end) = (query + range.start, query + range.end);
            out.push_str(&line[done..start]);
            paint(&mut out, &line[start..end], style(class));
            done = end;
        }
        out.push_str(&line[done..]);
        Cow::Owned(out)
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(format!("\x1b[{BOLD}m{prompt}\x1b[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        if let Some(tool) = tool(line).filter(|tool| at > tool.name.len()) {
            return Ok(of_tool(&tool.text, &line[..at]));
        }
        let query = query_start(line);
        if at < query || query == line.len() && line.starts_with(':') {
            return Ok(of_command(&line[..at]));
        }
        let found = assist::complete(&line[query..], at - query, &self.known);
        let start = query + found.start;
        let mut pairs = beginning(found.words.into_iter(), &line[start..at]);
        if let Some(kind) = found.machine {
            pairs.extend(machine::names(kind, &line[start..at], found.quoted));
        }
        if start == query && query > 0 {
            pairs.extend(of_command(&line[..at]).1);
        }
        Ok((start, pairs))
    }
}

/// Where the query begins in a line: behind the words of a command that takes one, else at its end.
fn query_start(line: &str) -> usize {
    if !line.starts_with(':') {
        return 0;
    }
    let behind = |from: usize| {
        line[from..]
            .find(' ')
            .map_or(line.len(), |at| from + at + 1)
    };
    let first = behind(0);
    match line[..first].trim_end() {
        ":type" | ":t" => first,
        ":explain" | ":e" => {
            let second = behind(first);
            match line[first..second].trim_end() {
                "source" | "checked" | "plan" => second,
                _ => first,
            }
        }
        _ => line.len(),
    }
}

/// Completes the parameters of a tool.
fn of_tool(text: &str, line: &str) -> (usize, Vec<Pair>) {
    let start = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let params = syntax::parse(text).map(|tree| check::params(&tree));
    let words = params.unwrap_or_default().into_iter();
    let words = words.map(|param| format!("--{}", param.name));
    (start, beginning(words, &line[start..]))
}

/// The words that begin so.
fn beginning(words: impl Iterator<Item = String>, begun: &str) -> Vec<Pair> {
    let fits = words.filter(|word| word.starts_with(begun));
    let pair = |word: String| Pair {
        display: word.clone(),
        replacement: word,
    };
    fits.map(pair).collect()
}

/// Completes the words of a command.
fn of_command(line: &str) -> (usize, Vec<Pair>) {
    let start = line.rfind(' ').map_or(0, |at| at + 1);
    let word = &line[start..];
    let command = line.split(' ').next().unwrap_or("");
    let words: Vec<String> = match command {
        _ if start == 0 => COMMANDS
            .iter()
            .map(|(name, ..)| format!(":{name}"))
            .collect(),
        ":load" | ":save" | ":save!" => return (start, machine::paths(word)),
        ":set" => OPTIONS.iter().map(|&name| name.to_owned()).collect(),
        ":list" => {
            let others = [
                "functions",
                "tools",
                "devices",
                "modules",
                "codes",
                "definitions",
            ]
            .into_iter();
            let layers = LAYERS.iter().map(|layer| layer.name);
            layers.chain(others).map(str::to_owned).collect()
        }
        ":explain" => {
            let stages = ["source", "checked", "plan"].into_iter();
            let codes = codes::all().map(|code| code.id);
            stages.chain(codes).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    (start, beginning(words.into_iter(), word))
}

const BOLD: &str = "1";

/// The style of a class, as terminals number them.
fn style(class: Class) -> &'static str {
    match class {
        Class::Keyword => "1;35",
        Class::Name => "36",
        Class::Function => "34",
        Class::Number | Class::Argument => "33",
        Class::Text => "32",
        Class::Comment => "2",
        Class::Wrong => "31",
    }
}

fn paint(out: &mut String, text: &str, style: &str) {
    if !text.is_empty() {
        out.push_str(&format!("\x1b[{style}m{text}\x1b[0m"));
    }
}
