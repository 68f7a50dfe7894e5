"""The nets it was compared with: fully recurrent (RTRL), Elman's, and recurrent cascade-correlation."""
