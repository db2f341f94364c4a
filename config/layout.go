package config

// Layout is which softphone layout is whose.
type Layout struct {
	File   string       `key:"file" doc:"Softphone layout in getSoftphoneLayout's JSON, relative to this file; empty: offhook's own. offhook layout import makes one."`
	Assign []LayoutLine `key:"assign" doc:"Other layouts: a list of {user, profile, file}, by the Salesforce user name or the name or id of the profile. The first that fits is taken."`
	Compat bool         `key:"compat" default:"false" doc:"Do no more than Salesforce's own softphones: several matches are counted where the layout does not open its search page, and outbound calls open nothing."`
}

// LayoutLine is one line of layout.assign.
type LayoutLine struct {
	User    string `key:"user" doc:"Salesforce user name."`
	Profile string `key:"profile" doc:"Name or id of the Salesforce profile."`
	File    string `key:"file" doc:"Softphone layout."`
}

// Dialing is the dial plan.
type Dialing struct {
	CallCenter    string `key:"call_center" doc:"Call-centre XML (either dialect), relative to this file: its dialing options are used where the settings below are empty."`
	Outside       string `key:"outside" doc:"Digits that get an outside line, as 9."`
	LongDistance  string `key:"long_distance" doc:"Digits before numbers of your own country, without their own zero; empty: the country's way of writing them."`
	International string `key:"international" doc:"Digits in place of the plus; empty: your country's own, as 00 or 011."`
}
