//! Integer arithmetic for `$((…))`: `+ - * / %`, comparisons, signs and parentheses over 64-bit integers.
//!
//! Overflow is an error, as is a division by zero: a build script that silently wraps helps nobody.

/// Works out `text`; `variable` gives the value of a name, where unset and empty count as zero.
pub(crate) fn evaluate(text: &str, variable: &dyn Fn(&str) -> String) -> Result<i64, String> {
    let mut evaluator = Evaluator {
        rest: text.trim_start(),
        variable,
        depth: 0,
    };
    let value = evaluator.comparison()?;
    if evaluator.rest.is_empty() {
        Ok(value)
    } else {
        Err(evaluator.unexpected())
    }
}

const MAX_DEPTH: u32 = 100;

struct Evaluator<'a> {
    rest: &'a str,
    variable: &'a dyn Fn(&str) -> String,
    depth: u32,
}

impl Evaluator<'_> {
    fn unexpected(&self) -> String {
        match self.rest.chars().next() {
            Some(c) => format!("arithmetic: unexpected `{c}`"),
            None => "arithmetic: the expression is incomplete".to_owned(),
        }
    }

    /// Takes the first of `operators` that comes next; the longer ones stand first.
    fn operator<'o>(&mut self, operators: &[&'o str]) -> Option<&'o str> {
        let found = operators
            .iter()
            .find(|operator| self.rest.starts_with(**operator))?;
        self.rest = self.rest[found.len()..].trim_start();
        Some(found)
    }

    fn comparison(&mut self) -> Result<i64, String> {
        let mut left = self.sum()?;
        while let Some(operator) = self.operator(&["==", "!=", "<=", ">=", "<", ">"]) {
            let right = self.sum()?;
            left = i64::from(match operator {
                "==" => left == right,
                "!=" => left != right,
                "<=" => left <= right,
                ">=" => left >= right,
                "<" => left < right,
                _ => left > right,
            });
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<i64, String> {
        let mut left = self.product()?;
        while let Some(operator) = self.operator(&["+", "-"]) {
            let right = self.product()?;
            left = match operator {
                "+" => left.checked_add(right),
                _ => left.checked_sub(right),
            }
            .ok_or("arithmetic: overflow")?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<i64, String> {
        let mut left = self.factor()?;
        while let Some(operator) = self.operator(&["*", "/", "%"]) {
            let right = self.factor()?;
            if right == 0 && operator != "*" {
                return Err("arithmetic: division by zero".to_owned());
            }
            left = match operator {
                "*" => left.checked_mul(right),
                "/" => left.checked_div(right),
                _ => left.checked_rem(right),
            }
            .ok_or("arithmetic: overflow")?;
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<i64, String> {
        if self.depth == MAX_DEPTH {
            return Err(format!("arithmetic: nested deeper than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let value = match self.operator(&["(", "+", "-"]) {
            Some("(") => {
                let value = self.comparison()?;
                self.operator(&[")"]).ok_or_else(|| self.unexpected())?;
                value
            }
            Some("-") => self.factor()?.checked_neg().ok_or("arithmetic: overflow")?,
            Some(_) => self.factor()?,
            None => self.operand()?,
        };
        self.depth -= 1;
        Ok(value)
    }

    fn operand(&mut self) -> Result<i64, String> {
        let length = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(self.rest.len());
        let (operand, rest) = self.rest.split_at(length);
        if operand.is_empty() {
            return Err(self.unexpected());
        }
        self.rest = rest.trim_start();
        if operand.starts_with(|c: char| c.is_ascii_digit()) {
            return number(operand);
        }
        let value = (self.variable)(operand);
        if value.is_empty() {
            Ok(0)
        } else {
            number(&value)
        }
    }
}

fn number(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| format!("arithmetic: `{text}` is not a decimal number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<i64, String> {
        evaluate(text, &|name| {
            if name == "n" {
                "7".to_owned()
            } else {
                String::new()
            }
        })
    }

    #[test]
    fn follows_the_usual_precedence() {
        assert_eq!(value("1 + 2 * 3"), Ok(7));
        assert_eq!(value("(1 + 2) * 3"), Ok(9));
        assert_eq!(value("10 - 3 - 2"), Ok(5));
        assert_eq!(value("-7 / 2"), Ok(-3));
        assert_eq!(value("7 % 4 == 3"), Ok(1));
        assert_eq!(value("n+1"), Ok(8));
        assert_eq!(value("unset - -1"), Ok(1));
    }

    #[test]
    fn refuses_what_has_no_value() {
        assert_eq!(
            value("1 / 0"),
            Err("arithmetic: division by zero".to_owned())
        );
        assert_eq!(
            value("9223372036854775807 + 1"),
            Err("arithmetic: overflow".to_owned())
        );
        assert_eq!(
            value("1 +"),
            Err("arithmetic: the expression is incomplete".to_owned())
        );
        assert_eq!(value("1 ; 2"), Err("arithmetic: unexpected `;`".to_owned()));
        assert_eq!(
            value("0x10"),
            Err("arithmetic: `0x10` is not a decimal number".to_owned())
        );
        assert!(value(&"(".repeat(1_000)).is_err());
    }
}
