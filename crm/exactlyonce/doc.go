// Package exactlyonce holds one proof and no code that the program uses: whatever fails, each ended call becomes one Task, and what
// follows it (later notes, a campaign member's status, a callback), and each event of the agent, is done once. Its test runs a practice Salesforce and a desk as
// processes of their own, lets requests fail at random and kills either with SIGKILL, again and again, until everything is
// delivered; then it counts in Salesforce's own file. It never asks the desk what was delivered.
package exactlyonce
