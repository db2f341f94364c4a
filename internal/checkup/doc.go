// Package checkup is how offhook tells what it found out about a machine, a telephone and an org: findings from tables of rules, with
// what each means and what an administrator does, as lines for a terminal, as JSON, and as the rows of the documentation. It
// examines nothing by itself, asks nobody, and never decides what a finding is worth: its rule says that.
package checkup
