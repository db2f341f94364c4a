// Package number is telephone numbers as people and carriers write them: what kind of party one is, which stored spellings are
// the same number, how it is shown, and which digits are dialled for it. Two numbers agree only when both, read in the desk's
// country, are the same; agreeing in the last digits is never enough. It asks nobody, knows no records and no calls, and keeps
// no state. The plans of the world's countries are those of the phonenumbers library.
package number
