//! From the command line to a plan: reads the query, its parameters and arguments, and compiles it.

mod arguments;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;

use iotq_lang::check::{self, Inputs, Placed, did_you_mean, near};
use iotq_lang::diag::codes::run as code;
use iotq_lang::diag::{Diagnostic, Errors};
use iotq_lang::ir::{Checked, Name};
use iotq_lang::lower::lower;
use iotq_lang::plan::Plan;
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax;
use iotq_lang::syntax::ast::{self, Import, Item, Spanned};

use crate::args::Run;
use crate::library;
use crate::report::Failure;

/// A query that has been read, with what the command line gives it.
#[derive(Clone)]
pub struct Script {
    /// The query, then the modules that it uses.
    pub sources: Sources,
    /// Its tree.
    pub tree: ast::Script,
    params: Vec<(String, String)>,
    args: Vec<String>,
    /// What its file is known by, if it has one.
    key: Option<String>,
}

impl Script {
    /// Reads a query given with `-e`.
    ///
    /// # Errors
    /// If it cannot be parsed.
    pub fn from_expr(lines: &[String], words: &[OsString]) -> Result<Self, Failure> {
        let source = Source {
            name: "<query>".into(),
            text: lines.join("\n"),
        };
        Self::parse(source, words, None)
    }

    /// Reads what a word of the command line means: a tool of the library, a file, or standard input for `-`. A tool goes
    /// before a file of its name; a path or the suffix `.iotq` mean a file. The words behind it are its parameters and
    /// arguments, and options of the run if there is to be one.
    ///
    /// # Errors
    /// If it cannot be read or parsed, or the words do not fit its parameters.
    pub fn named(word: &OsStr, words: &[OsString], run: Option<&mut Run>) -> Result<Self, Failure> {
        if let Some(tool) = word.to_str().and_then(library::tool) {
            return Self::parse(tool, words, run);
        }
        let path = Path::new(word);
        let mut script = Self::parse(Self::read(path)?, words, run)?;
        script.key = library::key(path);
        Ok(script)
    }

    /// Reads a tool, with the words behind it.
    ///
    /// # Errors
    /// If the words do not fit its parameters.
    pub fn of_tool(tool: Source, words: &[OsString], run: &mut Run) -> Result<Self, Failure> {
        Self::parse(tool, words, Some(run))
    }

    /// The text of a file, or of standard input for `-`.
    ///
    /// # Errors
    /// If it cannot be read, or is no text.
    pub fn read(path: &Path) -> Result<Source, Failure> {
        let unreadable = |error: io::Error| {
            let shown = path.display();
            let failure = Failure::plain(
                &code::SCRIPT,
                format!("the script {shown} cannot be read"),
                &error,
            );
            match error.kind() {
                io::ErrorKind::NotFound => failure.help(meant(path)),
                _ => failure,
            }
        };
        let (name, bytes) = if path == Path::new("-") {
            ("<stdin>".to_owned(), library::read(io::stdin().lock()))
        } else {
            let bytes = File::open(path).and_then(library::read);
            (path.display().to_string(), bytes)
        };
        let source = syntax::decode(&name, bytes.map_err(unreadable)?);
        source.map_err(|errors| Failure::new(errors, &Sources::default()))
    }

    /// A text over definitions that were made before; those that it makes anew are left out.
    ///
    /// # Errors
    /// If it cannot be parsed.
    pub fn over(
        text: Source,
        earlier: &[Definition],
        params: Vec<(String, String)>,
    ) -> Result<Self, Failure> {
        let mut sources = Sources(vec![text]);
        let parsed = syntax::parse(&sources.0[0].text);
        let mut tree = parsed.map_err(|errors| Failure::new(errors, &sources))?;
        let own: Vec<String> = tree
            .items
            .iter()
            .filter_map(|item| name_of(&item.node))
            .collect();
        for definition in earlier.iter().filter(|it| !own.contains(&it.name)) {
            let file = u32::try_from(sources.0.len()).unwrap_or(u32::MAX);
            sources.0.push(definition.source.clone());
            let parsed = syntax::parse_file(&definition.source.text, file);
            let parsed = parsed.map_err(|errors| Failure::new(errors, &sources))?;
            tree.items.extend(parsed.items);
        }
        Ok(Self {
            sources,
            tree,
            params,
            args: Vec::new(),
            key: None,
        })
    }

    fn parse(source: Source, words: &[OsString], run: Option<&mut Run>) -> Result<Self, Failure> {
        let sources = Sources(vec![source]);
        let tree =
            syntax::parse(&sources.0[0].text).map_err(|errors| Failure::new(errors, &sources))?;
        let (params, args) = arguments::read(&sources.0[0], &check::params(&tree), words, run)
            .map_err(Failure::usage)?;
        Ok(Self {
            sources,
            tree,
            params,
            args,
            key: None,
        })
    }

    /// The definitions of the query's own text, each by itself.
    pub fn definitions(&self) -> Vec<Definition> {
        let own = |item: &&Spanned<Item>| item.span.file == 0;
        let items = self.tree.items.iter().filter(own);
        let definition = |item: &Spanned<Item>| {
            let mut text = self.sources.text(item.span).to_owned();
            let mut item = item.node.clone();
            match &mut item {
                Item::Param(param) => {
                    let help = param.help.iter().map(|line| format!("# {line}\n"));
                    text.insert_str(0, &help.collect::<String>());
                }
                Item::Use(Import::File(path)) => {
                    // It no longer stands in the file that the path is relative to.
                    let from = self.sources.0.first().map_or("", |source| &source.name);
                    let file = library::beside(&path.node, from);
                    let file = std::path::absolute(&file).unwrap_or(file);
                    path.node = file.display().to_string();
                    text = format!("use {}", syntax::quote(&path.node));
                }
                _ => {}
            }
            let name = name_of(&item)?;
            let source = Source {
                name: format!("<{name}>"),
                text,
            };
            Some(Definition { name, item, source })
        };
        items.filter_map(definition).collect()
    }

    /// Whether there is something to run.
    pub fn has_statements(&self) -> bool {
        let mut items = self.tree.items.iter();
        items.any(|item| matches!(item.node, Item::Statement(_)))
    }

    /// The text of the statements.
    pub fn statements(&self) -> String {
        let items = self.tree.items.iter();
        let statements = items.filter(|item| matches!(item.node, Item::Statement(_)));
        let texts = statements.map(|item| self.sources.text(item.span));
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The names that it defines, those of its modules included.
    pub fn names(&self) -> Vec<String> {
        let from = self.sources.0.first().map_or("", |source| &source.name);
        check::defined(&self.tree, from, &library::find)
    }

    /// Resolves and checks it; `child`: a command is started along with it.
    ///
    /// # Errors
    /// Those of the check.
    pub fn check(&mut self, child: bool) -> Result<Checked, Failure> {
        let inputs = Inputs {
            args: self.args.clone(),
            params: self.params.clone(),
            child,
            modules: &library::find,
            key: self.key.clone(),
        };
        check::check(&mut self.sources, &self.tree, &inputs)
            .map_err(|errors| Failure::new(errors, &self.sources))
    }

    /// Checks it, and tells on which side of a VM boundary it is asked.
    ///
    /// # Errors
    /// Those of the check, and if it is asked on both.
    pub fn place(&mut self) -> Result<Placed, Failure> {
        let inputs = Inputs {
            args: self.args.clone(),
            params: self.params.clone(),
            child: false,
            modules: &library::find,
            key: self.key.clone(),
        };
        check::place(&mut self.sources, &self.tree, &inputs)
            .map_err(|errors| Failure::new(errors, &self.sources))
    }

    /// Where it is asked, if it is about guests.
    ///
    /// # Errors
    /// Those of the check, and if it asks both sides of a VM boundary.
    pub fn of_guests(&mut self) -> Result<Option<Placed>, Failure> {
        if !self.check(true)?.asks_guests() {
            return Ok(None);
        }
        self.place().map(Some)
    }

    /// Checks and lowers it. What this build cannot run is refused, with `also` telling what else is wrong with the
    /// names that it mentions.
    ///
    /// # Errors
    /// Those of the check, or of lowering.
    pub fn plan(
        &mut self,
        child: bool,
        also: impl FnOnce(&[Name]) -> Vec<Diagnostic>,
    ) -> Result<Plan, Failure> {
        let checked = self.check(child)?;
        let names = checked.names.clone();
        lower(checked).map_err(|Errors(refused)| {
            let mut errors = also(&names);
            errors.extend(refused);
            Failure::new(Errors(errors), &self.sources)
        })
    }
}

/// A definition with a text of its own.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What it defines: a name, or the module that is used.
    pub name: String,
    /// What it is.
    pub item: Item,
    /// As it was written.
    pub source: Source,
}

/// What an item defines.
fn name_of(item: &Item) -> Option<String> {
    match item {
        Item::Let(it) | Item::Def(it) => Some(it.name.node.clone()),
        Item::Param(it) => Some(it.name.node.clone()),
        Item::Use(import) => Some(format!("use {}", import.text())),
        Item::Statement(_) => None,
    }
}

/// What else a word may have meant that names no file.
fn meant(path: &Path) -> String {
    let word = path.to_str().unwrap_or("");
    let first = word.split_once(' ').map(|(first, _)| first);
    if first.is_some_and(|first| syntax::ITEM_KEYWORDS.contains(&first)) {
        return "a query stands behind `-e`".into();
    }
    let tools = library::TOOLS.iter().map(|(name, _)| *name);
    did_you_mean(&near(word, tools)).unwrap_or_else(|| "`iotq list tools` shows the tools".into())
}
