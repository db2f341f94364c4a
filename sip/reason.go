package sip

import (
	"offhook/internal/text"
	"offhook/sip/caller"
	"offhook/sip/transaction"
)

// q850 puts the causes of ITU-T Q.850 §2.2.7 that a telephone meets into the desk's words and a person's.
var q850 = map[int]struct {
	end      EndCause
	sentence string
}{
	1:   {EndUnknownNumber, "The number is not in use"},
	2:   {EndUnknownNumber, "There is no way to that network"},
	3:   {EndUnknownNumber, "There is no way to that number"},
	4:   {EndUnknownNumber, "The number is not in use"},
	5:   {EndUnknownNumber, "The prefix of the number is wrong"},
	16:  {EndNormal, "The far end hung up"},
	17:  {EndBusy, "The line is busy"},
	18:  {EndNoAnswer, "The telephone at the far end does not respond"},
	19:  {EndNoAnswer, "Nobody answered"},
	20:  {EndNoAnswer, "The mobile phone is switched off or out of reach"},
	21:  {EndDeclined, "The call was declined"},
	22:  {EndUnknownNumber, "The number has changed"},
	23:  {EndUnknownNumber, "The number leads to a new destination"},
	25:  {EndNetwork, "The networks send the call in a circle"},
	26:  {EndAnsweredElsewhere, "Somebody else answered the call"},
	27:  {EndNetwork, "The line of the far end is out of order"},
	28:  {EndUnknownNumber, "The number is incomplete or wrong"},
	29:  {EndDeclined, "The network refused a service that the call needs"},
	31:  {EndNormal, "The call was ended"},
	34:  {EndNetwork, "All lines are busy; try again in a moment"},
	38:  {EndNetwork, "The network is out of order"},
	41:  {EndNetwork, "The network failed for a moment; try again"},
	42:  {EndNetwork, "The network is overloaded; try again in a moment"},
	43:  {EndNetwork, "The network lost part of the call's data"},
	44:  {EndNetwork, "All lines are busy; try again in a moment"},
	47:  {EndNetwork, "The network has no capacity left; try again in a moment"},
	50:  {EndDeclined, "The line has not subscribed to what the call needs"},
	52:  {EndDeclined, "Outgoing calls are barred on this line"},
	54:  {EndDeclined, "Incoming calls are barred at the far end"},
	55:  {EndDeclined, "Incoming calls are barred at the far end"},
	57:  {EndDeclined, "The line may not make this kind of call"},
	58:  {EndNetwork, "The network has no line for this kind of call now"},
	63:  {EndNetwork, "The network does not offer this service now"},
	65:  {EndNoMedia, "The far end cannot take this kind of sound"},
	69:  {EndNetwork, "The network does not offer this service"},
	70:  {EndNoMedia, "The far end cannot take this kind of sound"},
	79:  {EndNetwork, "The network does not offer this service"},
	87:  {EndDeclined, "The far end takes calls only from its own group"},
	88:  {EndNoMedia, "The far end is no telephone that can take this call"},
	95:  {EndNetwork, "The network did not understand the call"},
	97:  {EndNetwork, "The network did not understand the call"},
	102: {EndNoAnswer, "The network waited too long for an answer"},
	111: {EndNetwork, "The networks did not understand each other"},
	127: {EndNetwork, "The call ended in another network, which does not say why"},
}

// reasonEnd is what the reason means for a call, "" when it says nothing that is known.
func reasonEnd(r caller.Reason) EndCause {
	if r.Elsewhere() {
		return EndAnsweredElsewhere
	}
	switch r.Protocol {
	case "Q.850":
		return q850[r.Cause].end
	case "SIP":
		switch {
		case r.Cause >= 200 && r.Cause < 300:
			return EndNormal
		case r.Cause >= 400 && r.Cause < 700:
			return statusCause(r.Cause, true)
		}
	}
	return ""
}

// reasonSentence is what a person reads: what happened in plain words, else the far end's own.
func reasonSentence(r caller.Reason) text.Text {
	if r.Elsewhere() {
		return text.Clean(q850[26].sentence)
	}
	if r.Protocol == "Q.850" {
		if s := q850[r.Cause].sentence; s != "" {
			return text.Clean(s)
		}
	}
	if !r.Text.Empty() {
		return r.Text
	}
	if r.Protocol == "SIP" && r.Cause >= 400 && r.Cause < 700 {
		return text.Clean(transaction.ReasonPhrase(r.Cause))
	}
	return text.Text{}
}

// endReason reads why a BYE, a CANCEL or a refusal came. cause is "" when the message does not say.
func endReason(h transaction.Headers) (cause EndCause, sentence text.Text) {
	r, ok := caller.PickReason(caller.Reasons(h))
	if !ok {
		return "", text.Text{}
	}
	return reasonEnd(r), reasonSentence(r)
}
