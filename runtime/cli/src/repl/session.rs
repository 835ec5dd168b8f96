//! What stays between two inputs: definitions, values of parameters, options.

use std::ffi::OsString;
use std::path::Path;

use iotq_lang::assist::Known;
use iotq_lang::diag::codes::params::MISSING;
use iotq_lang::source::Source;
use iotq_lang::syntax::ast::Item;

use crate::args::Run;
use crate::library::{self, MODULES, TOOLS};
use crate::report::{Failure, note};
use crate::run;
use crate::script::{Definition, Script};
use crate::stop::Stop;

/// A session at the terminal.
pub struct Session {
    /// How queries run.
    pub options: Run,
    definitions: Vec<Definition>,
    /// Values of parameters.
    values: Vec<(String, String)>,
    /// The last statements that were accepted, as typed.
    last: Option<String>,
    stop: Stop,
}

impl Session {
    /// A session without definitions.
    ///
    /// # Errors
    /// If signals cannot be taken over.
    pub fn new(options: Run) -> Result<Self, Failure> {
        Ok(Self {
            options,
            definitions: Vec::new(),
            values: Vec::new(),
            last: None,
            stop: Stop::often()?,
        })
    }

    /// Takes a text in: its definitions stay, its statements run. A line that begins with the name of a tool runs it.
    ///
    /// # Errors
    /// Those of the text, and of the run.
    pub fn input(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        if let Some(tool) = tool(text) {
            return self.tool(tool, text);
        }
        let mut script = self.script(name, text)?;
        let runs = script.has_statements();
        match script.clone().check(self.options.child.is_some()) {
            // A parameter without a default gets its value later.
            Err(failure) if runs || !failure.is_only(&MISSING) => return Err(failure),
            _ => {}
        }
        self.keep(script.definitions());
        if !runs {
            return Ok(());
        }
        self.last = Some(script.statements());
        self.run(&self.options, &mut script)
    }

    fn tool(&self, tool: Source, line: &str) -> Result<(), Failure> {
        let words = match shell_words::split(line) {
            Ok(words) => words,
            Err(error) => {
                note(&format!("iotq: {error}"));
                return Ok(());
            }
        };
        let words: Vec<OsString> = words.into_iter().skip(1).map(OsString::from).collect();
        let mut options = self.options.clone();
        let mut script = Script::of_tool(tool, &words, &mut options)?;
        self.run(&options, &mut script)
    }

    fn run(&self, options: &Run, script: &mut Script) -> Result<(), Failure> {
        self.stop.begin();
        let ended = run::run(options, script, &self.stop);
        self.stop.end();
        ended.map(drop)
    }

    /// Takes a file in, as if it was typed.
    ///
    /// # Errors
    /// If it cannot be read, and those of [`Self::input`].
    pub fn load(&mut self, path: &Path) -> Result<(), Failure> {
        let Source { name, text } = Script::read(path)?;
        self.input(&name, &text)
    }

    /// A text, over the definitions that were made before.
    ///
    /// # Errors
    /// If it cannot be parsed.
    pub fn script(&self, name: &str, text: &str) -> Result<Script, Failure> {
        let source = Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        Script::over(source, &self.definitions, self.values.clone())
    }

    fn keep(&mut self, new: Vec<Definition>) {
        for definition in new {
            if let (Item::Param(param), None) = (&definition.item, self.value(&definition.name))
                && param.default.is_none()
            {
                note(&format!(
                    "iotq: `:set {} VALUE` gives it a value",
                    definition.name
                ));
            }
            self.definitions.retain(|old| old.name != definition.name);
            self.definitions.push(definition);
        }
    }

    /// The definitions, as typed.
    pub fn definitions(&self) -> impl Iterator<Item = &str> {
        self.definitions.iter().map(|it| it.source.text.as_str())
    }

    /// The definitions and the last statements: a script.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in self.definitions().chain(self.last.as_deref()) {
            text.push_str(part.trim_end());
            text.push('\n');
        }
        text
    }

    /// The last statements that were accepted.
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Whether there is such a parameter.
    pub fn has_param(&self, name: &str) -> bool {
        self.params().any(|param| param == name)
    }

    /// The parameters.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        let params = self.definitions.iter();
        params
            .filter(|it| matches!(it.item, Item::Param(_)))
            .map(|it| it.name.as_str())
    }

    /// The value that a parameter was given.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter();
        values
            .find(|(param, _)| param == name)
            .map(|(_, value)| value.as_str())
    }

    /// Gives a parameter a value, or its default.
    ///
    /// # Errors
    /// If it is no value of its type: then nothing changes.
    pub fn set_value(&mut self, name: &str, value: Option<&str>) -> Result<(), Failure> {
        let before = self.values.clone();
        self.values.retain(|(param, _)| param != name);
        self.values
            .extend(value.map(|value| (name.to_owned(), value.to_owned())));
        let checked = self.script("<query>", "").and_then(|mut it| it.check(true));
        match checked {
            Err(failure) if !failure.is_only(&MISSING) => {
                self.values = before;
                Err(failure)
            }
            _ => Ok(()),
        }
    }

    /// What completion may offer.
    pub fn known(&self) -> Known {
        let names = self.script("<query>", "").map(|it| it.names());
        Known {
            names: names.unwrap_or_default(),
            modules: MODULES.iter().map(|(name, _)| (*name).to_owned()).collect(),
            tools: TOOLS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        }
    }

    /// The process was asked to end.
    pub fn terminated(&self) -> bool {
        self.stop.terminated()
    }
}

/// The tool that a line runs, if it begins with the name of one.
pub fn tool(line: &str) -> Option<Source> {
    library::tool(line.split_whitespace().next()?)
}
