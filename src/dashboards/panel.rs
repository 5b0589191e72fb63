//! One panel: what it asks, how it looks, what is bad.

use super::colour::{Colour, Mapping};
use super::link::Link;
use super::unit::Unit;

/// How a panel looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A tile for each series: what is now.
    Stat,
    /// Lines over time.
    Lines,
    /// Areas on top of each other.
    Stacked,
    /// A row for each subject: what is now.
    Table,
    /// Buckets of a histogram over time.
    Heat,
    /// What was so, and from when to when.
    States,
}

/// One question to Prometheus.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) expr: String,
    pub(super) legend: String,
    /// A promise or limit that is drawn beside what is measured.
    pub(super) is_limit: bool,
}

/// One column of a table: a label, or the value of one query.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) from: Of,
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) steps: Vec<(f64, Colour)>,
    pub(super) mapping: Option<Mapping>,
    pub(super) link: Option<Link>,
    pub(super) width: Option<u32>,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Label(&'static str),
    /// The query at this position.
    Value(usize),
}

/// A panel.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) about: String,
    pub(super) look: Look,
    pub(super) queries: Vec<Query>,
    pub(super) unit: Unit,
    /// From which value on which colour; below the first it is [`Panel::base`].
    pub(super) steps: Vec<(f64, Colour)>,
    pub(super) base: Colour,
    pub(super) mapping: Option<Mapping>,
    /// What is said where there is nothing.
    pub(super) none: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) sorted_by: Option<(&'static str, bool)>,
    pub(super) link: Option<Link>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) most: Option<f64>,
}

/// Nothing is known, which is not zero.
pub(super) const UNKNOWN: &str = "not known";

impl Panel {
    fn new(look: Look, title: &str, about: &str) -> Self {
        Self {
            title: title.to_owned(),
            about: about.to_owned(),
            look,
            queries: vec![],
            unit: Unit::Number,
            steps: vec![],
            base: Colour::Text,
            mapping: None,
            none: UNKNOWN,
            columns: vec![],
            sorted_by: None,
            link: None,
            width: 8,
            height: 8,
            most: None,
        }
    }

    pub(super) fn stat(title: &str, about: &str) -> Self {
        Self { width: 3, height: 4, ..Self::new(Look::Stat, title, about) }
    }

    pub(super) fn lines(title: &str, about: &str) -> Self {
        Self::new(Look::Lines, title, about)
    }

    pub(super) fn stacked(title: &str, about: &str) -> Self {
        Self::new(Look::Stacked, title, about)
    }

    pub(super) fn table(title: &str, about: &str) -> Self {
        Self::new(Look::Table, title, about)
    }

    pub(super) fn heat(title: &str, about: &str) -> Self {
        Self { unit: Unit::Seconds, ..Self::new(Look::Heat, title, about) }
    }

    pub(super) fn states(title: &str, about: &str) -> Self {
        Self::new(Look::States, title, about)
    }

    /// Asks; the legend names each series.
    pub(super) fn ask(mut self, expr: String, legend: &str) -> Self {
        self.queries.push(Query { expr, legend: legend.to_owned(), is_limit: false });
        self
    }

    /// Draws a promise or limit beside what is measured.
    pub(super) fn beside(mut self, expr: String, legend: &str) -> Self {
        self.queries.push(Query { expr, legend: legend.to_owned(), is_limit: true });
        self
    }

    pub(super) fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// From this value on it has this colour; a value that no configured tier can reach is left out.
    pub(super) fn from(mut self, value: f64, colour: Colour) -> Self {
        if value.is_finite() {
            self.steps.push((value, colour));
        }
        self.base = if self.base == Colour::Text { Colour::Green } else { self.base };
        self
    }

    /// The colour below the first step.
    pub(super) fn below(mut self, colour: Colour) -> Self {
        self.base = colour;
        self
    }

    pub(super) fn says(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    pub(super) fn without(mut self, none: &'static str) -> Self {
        self.none = none;
        self
    }

    pub(super) fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    pub(super) fn sorted(mut self, by: &'static str, descending: bool) -> Self {
        self.sorted_by = Some((by, descending));
        self
    }

    pub(super) fn link(mut self, link: Link) -> Self {
        self.link = Some(link);
        self
    }

    /// Width and height in units of Grafana's grid: 24 fill a line, 30 pixels are a height of one.
    pub(super) fn size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    pub(super) fn at_most(mut self, most: f64) -> Self {
        self.most = Some(most);
        self
    }
}

impl Column {
    fn new(from: Of, name: &'static str) -> Self {
        Self { from, name, unit: Unit::Number, steps: vec![], mapping: None, link: None, width: None }
    }

    pub(super) fn label(label: &'static str, name: &'static str) -> Self {
        Self { unit: Unit::Words, ..Self::new(Of::Label(label), name) }
    }

    pub(super) fn value(query: usize, name: &'static str, unit: Unit) -> Self {
        Self { unit, ..Self::new(Of::Value(query), name) }
    }

    pub(super) fn from(mut self, value: f64, colour: Colour) -> Self {
        self.steps.push((value, colour));
        self
    }

    pub(super) fn says(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    pub(super) fn link(mut self, link: Link) -> Self {
        self.link = Some(link);
        self
    }

    pub(super) fn wide(mut self, pixels: u32) -> Self {
        self.width = Some(pixels);
        self
    }
}
