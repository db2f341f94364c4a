package layout

import (
	"slices"

	"offhook/internal/text"
)

// setting makes an item.
func setting(order int, name, label, value string) Item {
	return Item{Name: name, Label: text.Clean(label), Order: order, Value: text.CleanBlock(value, maxValue)}
}

// OwnCallCenter is a call centre for agents who work with offhook: its page is never opened, but Salesforce wants an address, and
// knows by the membership who is an agent.
func OwnCallCenter(o DialingOptions) CallCenter {
	c := CallCenter{
		DisplayNameLabel: text.Clean("Display Name"), InternalNameLabel: text.Clean("Internal Name"), Version: text.Clean("4"),
		Sections: []Section{{Name: generalSection, Label: text.Clean("General Information"), Items: []Item{
			setting(0, internalName, "Internal Name", "OffhookDesk"),
			setting(1, displayName, "Display Name", "offhook desk"),
			setting(2, adapterURL, "CTI Adapter URL", "https://localhost"),
			setting(3, "reqUseApi", "Use CTI API", "true"),
			setting(4, "reqSoftphoneHeight", "Softphone Height", "300"),
			setting(5, "reqSoftphoneWidth", "Softphone Width", "500"),
			setting(6, "reqSalesforceCompatibilityMode", "Salesforce Compatibility Mode", "Classic_and_Lightning"),
		}}},
	}
	return c.WithDialing(o)
}

// WithDialing returns the call centre with dialing options in their section.
func (c CallCenter) WithDialing(o DialingOptions) CallCenter {
	if o.Zero() {
		return c
	}
	s := Section{Name: dialingSection, Label: text.Clean("Dialing Options"), Order: -1, Items: []Item{
		setting(0, outsidePrefix, "Outside Prefix", o.Outside),
		setting(1, longDistPrefix, "Long Distance Prefix", o.LongDistance),
		setting(2, worldPrefix, "International Prefix", o.International),
	}}
	c.Sections = slices.Clone(c.Sections)
	if i := slices.IndexFunc(c.Sections, func(s Section) bool { return s.Name == dialingSection }); i >= 0 {
		s.Order = c.Sections[i].Order
		c.Sections[i] = s
		return c
	}
	s.Order = len(c.Sections)
	if slices.ContainsFunc(c.Sections, func(s Section) bool { return s.Order < 0 }) {
		s.Order = -1
	}
	c.Sections = append(c.Sections, s)
	return c
}
