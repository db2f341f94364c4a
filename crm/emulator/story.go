package emulator

// The people of the demo's story. The numbers are from ranges that are kept free for drama or belong to the story;
// a test proves on how many records each one stands.
const (
	AgentUsername = "alex.agent@offhook.example"
	AgentName     = "Alex Agent"
	AgentEmail    = "alex.agent@offhook.example"
	AgentZone     = "Europe/London"

	// StoryKnownNumber stands on exactly one record: the mobile of Fred Bloggs at Acme Ltd, who has an open Case.
	StoryKnownNumber      = "07814256404"
	StoryKnownE164        = "+447814256404"
	StoryKnownStored      = "07814 256404"
	StoryKnownName        = "Fred Bloggs"
	StoryKnownAccount     = "Acme Ltd"
	StoryKnownCaseSubject = "Router drops the line every evening"

	// StorySharedNumber is a switchboard that stands on three records: a Contact, a Lead and an Account.
	StorySharedNumber  = "01202528732"
	StorySharedE164    = "+441202528732"
	StorySharedContact = "Jane Fairfax"
	StorySharedLead    = "George Knightley"
	StorySharedAccount = "Highbury Textiles"

	// StoryUnknownNumber stands nowhere.
	StoryUnknownNumber = "07700900461"
	StoryUnknownE164   = "+447700900461"
	StoryUnknownName   = "Harriet Smith" // how the newcomer introduces herself

	// StoryColleague is an extension, StoryColleagueName the User who has it.
	StoryColleague     = "2104"
	StoryColleagueName = "Priya Raman"
)
