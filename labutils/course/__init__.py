"""The course around the notebooks: exercises that check themselves, questions, a student's copies, a hand-in.

`exercises` holds what is tested and `checking` how; `questions` are asked by `ask` before a result is shown; `student`
keeps the student's folder, `mine` writes its report, and `instructor` makes a course of it all. `grading` gives points
to hand-ins, `summary` says what came of a class.
"""

from labutils.course.ask import ask, remind, said
from labutils.course.instructor import class_name, grade_choice, grade_run, names_table
from labutils.course.student import progress, reference

__all__ = ["ask", "class_name", "grade_choice", "grade_run", "names_table", "progress", "reference", "remind", "said"]
