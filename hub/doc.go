// Package hub is the team: it carries every agent's live state to the supervisors' board and granted commands back, on NATS.
//
// It holds the embedded server (Serve), the agent's side (Connect) and the supervisor's side (Watch). It carries copies of
// desk snapshots out and turns granted commands into desk events; it is never the only home of a call record, and a desk
// takes calls and writes Tasks just as well without it. It draws nothing and decides nothing about calls.
package hub
