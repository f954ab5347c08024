"""The course around the notebooks: exercises that check themselves, questions, a student's copies, a hand-in."""

from labutils.course.ask import ask, remind, said
from labutils.course.instructor import class_name, grade_choice, grade_run, names_table
from labutils.course.student import progress, reference

__all__ = ["ask", "class_name", "grade_choice", "grade_run", "names_table", "progress", "reference", "remind", "said"]
