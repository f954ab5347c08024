# The lab for a JupyterHub whose users each have a container (DockerSpawner, KubeSpawner), or for one person:
#   docker build -t lab .
#   docker run --rm -p 8888:8888 -v my-lab:/home/student lab jupyter lab --ip=0.0.0.0 notebooks/index.ipynb
# What the lab brings, stored runs among it, belongs to root and cannot be changed; what a student makes is in the home
# folder, and phantoms that are drawn later (the exam's) beside the others in data/. Untried by us: no Docker was at hand. tests/test_house.py holds that what is copied exists.
FROM python:3.12-slim

RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/lab
COPY requirements.txt ./
# The hub's own version: docker build --build-arg JUPYTERHUB="jupyterhub==5.3.0" .
ARG JUPYTERHUB=jupyterhub>=5,<6
RUN pip install --no-cache-dir -r requirements.txt && pip install --no-cache-dir "$JUPYTERHUB"
COPY pyproject.toml README.md LICENSE ./
COPY labutils labutils
COPY notebooks notebooks
COPY results results
COPY data/README.md data/README.md
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && labutils data phantoms \
    && useradd --create-home student \
    && chown -R student data
USER student
# `labutils lab` makes copies of the notebooks there, and runs trained in them are stored there too.
ENV LABUTILS_MY_LAB=/home/student/my-lab
EXPOSE 8888
# Each start makes the copies of the notebooks that are not there yet.
ENTRYPOINT ["sh", "-c", "labutils lab --no-open; exec \"$@\"", "--"]
CMD ["jupyterhub-singleuser", "--ip=0.0.0.0"]
