"""The course around the notebooks: exercises that check themselves, questions, a student's copies, a hand-in.

Exercises are in `solutions` and `exercises`, what tests them in `checks`; `questions` and `predict` ask before a result
is shown; `copies` makes the student's folder, `handout` the instructor's, `mine` the student's report.
"""

from labutils.course.ask import ask
from labutils.course.grading import grade_choice, grade_run
from labutils.course.names import class_name, names_table
from labutils.course.progress import progress

__all__ = ["ask", "class_name", "grade_choice", "grade_run", "names_table", "progress"]
