"""Detection: a trainee's rules over the event table, their score, and hidden runs to judge them on."""
