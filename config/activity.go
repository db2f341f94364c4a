package config

// Activity is what Salesforce is told of an agent beside calls, and what reports show.
type Activity struct {
	Log     string `key:"log" default:"off" enum:"off,login,states" doc:"Which events become completed Tasks: none, logins and logouts, or every change of your state, too. The ledger keeps them for your own report in any case."`
	Numbers bool   `key:"numbers" default:"false" doc:"Reports show telephone numbers whole; else their last four digits."`
}
