package config

import "time"

// Config is every setting. The tags are the reference: key, default, allowed values and what the setting does; the file, the
// schema, "config explain" and docs/config.md are all made from them.
type Config struct {
	SIP        SIP        `key:"sip" doc:"The telephone account."`
	Audio      Audio      `key:"audio" doc:"Microphone, loudspeaker and ring tone."`
	Salesforce Salesforce `key:"salesforce" doc:"The Salesforce org that callers are looked up in and calls are written to."`
	Numbers    Numbers    `key:"numbers" doc:"How telephone numbers are understood."`
	Record     Record     `key:"record" doc:"The completed Task that each call leaves."`
	UI         UI         `key:"ui" doc:"The screen."`
	Keys       Keys       `key:"keys" doc:"Key bindings: action name = list of keys. docs/keys.md has the names."`
	Hub        Hub        `key:"hub" doc:"The team's hub, for supervisors. Calls work without it."`
	Storage    Storage    `key:"storage" doc:"Where the ledger and the log are kept."`
}

// SIP is the telephone account.
type SIP struct {
	Account         string        `key:"account" doc:"Address of record, as sip:2101@pbx.example.com. With no registrar: any name, as sip:desk@localhost."`
	Username        string        `key:"username" doc:"User name for the password check; the account's user part when empty."`
	DisplayName     string        `key:"display_name" doc:"Name shown to those you call."`
	PasswordCommand string        `key:"password_command" doc:"Command whose first line of output is the password, as \"pass show pbx/2101\"."`
	Password        string        `key:"password" secret:"true" doc:"The password itself. Refused unless allow_plaintext is true."`
	AllowPlaintext  bool          `key:"allow_plaintext" default:"false" doc:"Accept a password written in this file."`
	Transport       string        `key:"transport" default:"udp" enum:"udp,tcp" doc:"Transport to the registrar."`
	Registrar       string        `key:"registrar" default:"auto" doc:"host or host:port; auto takes the account's domain; empty does not register and takes calls on listen."`
	OutboundProxy   string        `key:"outbound_proxy" doc:"host or host:port that all requests go through."`
	Listen          string        `key:"listen" default:"0.0.0.0:0" doc:"Address and port of the telephone's own socket; port 0 lets the system choose."`
	TrustedPeers    []string      `key:"trusted_peers" doc:"Addresses whose P-Asserted-Identity is believed (RFC 3325)."`
	Expires         time.Duration `key:"expires" default:"5m" doc:"Registration lifetime to ask for."`
	RingLimit       time.Duration `key:"ring_limit" default:"2m" doc:"How long an inbound call may ring before it is answered with 480."`
	RTPPorts        string        `key:"rtp_ports" default:"0" doc:"Range for sound, as 16000-16999; 0 lets the system choose."`
	Codecs          []string      `key:"codecs" default:"G722,PCMU,PCMA" doc:"Codecs, best first."`
}

// Audio is the sound devices.
type Audio struct {
	Input  string `key:"input" default:"default" doc:"Microphone: default, a device's name, null, tone:HZ, file:PATH or file:PATH?loop."`
	Output string `key:"output" default:"default" doc:"Loudspeaker: default, a device's name, null, file:PATH."`
	Ring   string `key:"ring" default:"default" doc:"Ring tone: default, a device's name, bell (the terminal's), off."`
	Server string `key:"server" doc:"PulseAudio or PipeWire server; empty finds it as PulseAudio's own programs do."`
}

// Salesforce is the org.
type Salesforce struct {
	LoginURL       string        `key:"login_url" default:"https://login.salesforce.com" doc:"Where to sign in: login, test or your My Domain host."`
	ClientID       string        `key:"client_id" doc:"Consumer key of your External Client App. Empty switches Salesforce off."`
	Flow           string        `key:"flow" default:"pkce" enum:"pkce,jwt" doc:"pkce signs a person in with the browser; jwt signs in with key_file and username."`
	Username       string        `key:"username" doc:"User to sign in as with flow jwt."`
	KeyFile        string        `key:"key_file" doc:"PEM file with the private key for flow jwt."`
	Tokens         string        `key:"tokens" default:"auto" enum:"auto,keyring,file" doc:"Where the sign-in is kept: the system's keyring, or a file that only you can read; auto tries the keyring first."`
	AllowLocalhost bool          `key:"allow_localhost" default:"true" doc:"Permit a login_url with plain http on this machine, for the practice Salesforce. Never any other host."`
	Timeout        time.Duration `key:"lookup_timeout" default:"2s" doc:"How long a lookup may take; ringing never waits for it."`
	NoMatch        string        `key:"no_match" default:"Lead" doc:"Object of the New form."`
	Pop            string        `key:"pop" default:"ring" enum:"manual,ring,answer" doc:"When a single match opens its card by itself."`
	OpenRecord     string        `key:"open_record" default:"always" enum:"always,if_number_matches,never" doc:"Whether a number typed while a card is open belongs to that card."`
}

// Numbers is how numbers are understood.
type Numbers struct {
	Region            string         `key:"region" default:"GB" doc:"Two-letter country of numbers without a country code."`
	InternalMaxDigits int            `key:"internal_max_digits" default:"5" doc:"Numbers of at most this many digits are colleagues: never looked up, never associated."`
	InternalRules     []InternalRule `key:"internal_rules" doc:"More internal numbers: a list of {prefix, min_len, max_len}; internal = false makes an exception."`
	Emergency         []string       `key:"emergency" default:"112,999,911,000,110,118,119" doc:"Emergency numbers: always dialled, never looked up."`
}

// InternalRule is one line of numbers.internal_rules; the first that fits decides.
type InternalRule struct {
	Prefix   string `key:"prefix" doc:"Leading digits."`
	MinLen   int    `key:"min_len" doc:"Least number of digits."`
	MaxLen   int    `key:"max_len" doc:"Greatest number of digits."`
	Internal *bool  `key:"internal" doc:"false: such numbers are external."`
}

// Record is the Task.
type Record struct {
	Zone     string   `key:"zone" default:"id" enum:"off,id,name" doc:"Time zone in the subject: none, as Europe/London, or by name."`
	TimeZone string   `key:"time_zone" doc:"Time zone of the agent; empty takes it from the Salesforce user."`
	Clock    string   `key:"clock" default:"24h" enum:"24h,12h" doc:"Clock in the subject."`
	Number   string   `key:"number" default:"signalled" enum:"signalled,national,e164" doc:"Number format in the subject."`
	Log      []string `key:"log" doc:"Which calls make a Task: answered, missed, declined, cancelled, transfer, failed, answered elsewhere. Empty means all."`
	Status   string   `key:"status" doc:"Closed status of the Task; empty takes the org's default closed status."`
	KeyField string   `key:"key_field" default:"Offhook_Call_Key__c" doc:"Unique external-id field on Task that makes double records impossible; used when it is installed."`
}

// UI is the screen.
type UI struct {
	Theme  string        `key:"theme" default:"auto" enum:"auto,dark,light" doc:"Colours; auto asks the terminal. NO_COLOR is obeyed."`
	Mouse  bool          `key:"mouse" default:"false" doc:"Take mouse clicks; off leaves text selection to the terminal."`
	Notify bool          `key:"notify" default:"true" doc:"Desktop notification of a call while the terminal is not in front."`
	Linger time.Duration `key:"linger" default:"1m" doc:"How long an ended call stays on the screen."`
	Missed time.Duration `key:"missed_after" default:"15s" doc:"An unanswered ring of at least this long makes the agent \"not responding\"."`
}

// Keys are rebindings: action name to keys.
type Keys map[string][]string

// Hub is the team's hub.
type Hub struct {
	URL          string `key:"url" doc:"As nats://127.0.0.1:4222. Empty: no hub."`
	TokenCommand string `key:"token_command" doc:"Command whose first line of output is the hub's token."`
	TokenFile    string `key:"token_file" doc:"File that only you can read with the hub's token."`
	Site         string `key:"site" default:"main" doc:"Site name on the board."`
	Team         string `key:"team" default:"default" doc:"Team name on the board."`
	Agent        string `key:"agent" doc:"Your name on the board; the account's user part when empty."`
}

// Storage is where files are kept.
type Storage struct {
	Dir      string `key:"dir" doc:"Folder of the ledger and the log; empty is the system's place for program state."`
	LogLevel string `key:"log_level" default:"info" enum:"debug,info,warn,error" doc:"How much the log file says. Numbers and tokens never stand in it."`
}
