//! What an expression reads, and expressions made from others.

use crate::expr::{At, Expr, ExprKind, Selector, Subquery, When};
use crate::parse::check::children;

/// A selector within an expression.
#[derive(Clone, Copy, Debug)]
pub struct Selected<'a> {
    /// The selector.
    pub selector: &'a Selector,
    /// Its own range in ms; none for one that takes the latest value.
    pub range_ms: Option<i64>,
    /// How far the subqueries around it look back, in ms, added up.
    pub subqueries_ms: i64,
}

impl Expr {
    /// The expressions right below this one.
    pub fn children(&self) -> impl Iterator<Item = &Expr> {
        children(&self.kind)
    }

    /// All selectors, from left to right.
    ///
    /// ```
    /// let expr = promql::parse("a / on (x) max_over_time(rate(b[5m])[1h:1m])").unwrap();
    /// let names: Vec<_> = expr.selectors().iter().map(|one| one.selector.to_string()).collect();
    /// assert_eq!(names, ["a", "b"]);
    /// ```
    pub fn selectors(&self) -> Vec<Selected<'_>> {
        let mut found = Vec::new();
        gather(self, 0, &mut found);
        found
    }

    /// The same with `@ at_ms` on every selector and subquery that has no `@` and is in no subquery that has one; none
    /// if the answer would still depend on the time of evaluation.
    pub fn fixed_at(&self, at_ms: i64) -> Option<Self> {
        if depends(self) {
            return None;
        }
        let mut fixed = self.clone();
        fix(&mut fixed, at_ms);
        Some(fixed)
    }

    /// True if the answer is the same at all steps of a query.
    pub(crate) fn is_invariant(&self) -> bool {
        match &self.kind {
            ExprKind::Selector(selector) => selector.when.at.is_some(),
            ExprKind::Range(range) => range.selector.when.at.is_some(),
            ExprKind::Subquery(subquery) => subquery.when.at.is_some(),
            ExprKind::Call(call) if call.function.depends_on_time(call.args.len()) => false,
            _ => self.children().all(Self::is_invariant),
        }
    }
}

fn gather<'a>(expr: &'a Expr, subqueries_ms: i64, found: &mut Vec<Selected<'a>>) {
    match &expr.kind {
        ExprKind::Selector(selector) => found.push(Selected { selector, range_ms: None, subqueries_ms }),
        ExprKind::Range(range) => {
            found.push(Selected { selector: &range.selector, range_ms: Some(range.range_ms), subqueries_ms });
        }
        ExprKind::Subquery(subquery) => {
            let Subquery { range_ms, when, .. } = &**subquery;
            gather(&subquery.expr, subqueries_ms.saturating_add(*range_ms).saturating_add(when.offset_ms), found);
        }
        _ => expr.children().for_each(|child| gather(child, subqueries_ms, found)),
    }
}

/// True for functions whose answer depends on the time of evaluation whatever they are given.
fn depends(expr: &Expr) -> bool {
    use crate::function::{Special, WindowWork, Work};
    let own = match &expr.kind {
        ExprKind::Call(call) => matches!(
            call.function.work,
            Work::Date(_)
                | Work::Window(WindowWork::PredictLinear)
                | Work::Special(Special::Time | Special::Timestamp)
                | Work::Special(Special::QueryStart | Special::QueryEnd | Special::QueryRange | Special::QueryStep)
        ),
        _ => false,
    };
    own || expr.children().any(depends)
}

fn fix(expr: &mut Expr, at_ms: i64) {
    let set = |when: &mut When| when.at = when.at.or(Some(At::Time(at_ms)));
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::Text(_) => {}
        ExprKind::Selector(selector) => set(&mut selector.when),
        ExprKind::Range(range) => set(&mut range.selector.when),
        ExprKind::Subquery(subquery) => set(&mut subquery.when),
        ExprKind::Call(call) => call.args.iter_mut().for_each(|arg| fix(arg, at_ms)),
        ExprKind::Aggregate(aggregate) => {
            aggregate.param.iter_mut().for_each(|param| fix(param, at_ms));
            fix(&mut aggregate.expr, at_ms);
        }
        ExprKind::Binary(binary) => {
            fix(&mut binary.left, at_ms);
            fix(&mut binary.right, at_ms);
        }
        ExprKind::Unary(_, inner) | ExprKind::Paren(inner) => fix(inner, at_ms),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_fixed_expression_says_its_time() {
        let fixed = |text: &str| crate::parse(text).unwrap().fixed_at(90_000).map(|expr| expr.to_string());
        assert_eq!(fixed("a + rate(b[5m] offset 1m)").as_deref(), Some("a @ 90.000 + rate(b[5m] @ 90.000 offset 1m)"));
        assert_eq!(fixed("rate(a[5m:] @ 1)").as_deref(), Some("rate(a[5m:] @ 1.000)"));
        assert_eq!(fixed("rate(a[5m:])").as_deref(), Some("rate(a[5m:] @ 90.000)"));
        assert_eq!(fixed("a * time()"), None);
    }

    #[test]
    fn selectors_know_how_far_back_they_read() {
        let expr = crate::parse("max_over_time(rate(b[5m])[1h:1m] offset 10m)").unwrap();
        let one = expr.selectors()[0];
        assert_eq!((one.range_ms, one.subqueries_ms), (Some(300_000), 4_200_000));
    }
}
