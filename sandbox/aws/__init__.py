"""Extensions to the embedded AWS: each module changes one service and offers `install(app)`."""
