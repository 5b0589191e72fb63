//! PromQL as a tree, and whose series it asks for.

use promql_parser::parser::{Expr, parse};
use tierwatch::metrics::catalogue;

pub fn tree(expr: &str) -> Expr {
    parse(expr).unwrap_or_else(|error| panic!("{expr}: {error}"))
}

pub fn walk(expr: &Expr, visit: &mut impl FnMut(&Expr)) {
    visit(expr);
    match expr {
        Expr::Aggregate(inner) => {
            walk(&inner.expr, visit);
            inner.param.iter().for_each(|param| walk(param, visit));
        }
        Expr::Unary(inner) => walk(&inner.expr, visit),
        Expr::Binary(inner) => {
            walk(&inner.lhs, visit);
            walk(&inner.rhs, visit);
        }
        Expr::Paren(inner) => walk(&inner.expr, visit),
        Expr::Subquery(inner) => walk(&inner.expr, visit),
        Expr::Call(inner) => inner.args.args.iter().for_each(|arg| walk(arg, visit)),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => {}
    }
}

/// The family of a series, which for histograms has a longer name.
pub fn row_of(metric: &str) -> Option<&'static catalogue::Row> {
    let base = ["_sum", "_count", "_bucket"].iter().find_map(|part| metric.strip_suffix(part)).unwrap_or(metric);
    catalogue::find(metric).or_else(|| catalogue::find(base))
}
